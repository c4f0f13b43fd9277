"""Facets: the number of pictures of each camera, year, orientation, directory and size."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, cast, distinct, func, select

from indexer.store.filter_record import Filters
from indexer.store.filters import ORIENTATION_CONDITIONS, make_conditions
from indexer.store.names import fold
from indexer.store.schema import files, pictures

__all__ = ["Count", "Facets", "count_facets"]

MEGAPIXELS = (2, 8, 12, 24)


@dataclass(frozen=True, slots=True)
class Count:
    """A value of a filter, and the number of pictures that have it."""

    value: str
    n: int


@dataclass(frozen=True, slots=True)
class Facets:
    """The values of each filter, counted with all other filters applied. Most frequent first, without values of 0.

    The count of a value is the number of pictures that its filter passes: for a camera including cameras whose names
    contain its name; for a directory including those below it, where copies of a picture in several directories count
    once for each.
    """

    cameras: tuple[Count, ...]
    years: tuple[Count, ...]  # "2024", when they were taken; latest first
    orientations: tuple[Count, ...]  # of ORIENTATIONS
    directories: tuple[Count, ...]  # absolute paths
    sizes: tuple[Count, ...]  # "8MP": at least this many pixels, so a picture counts in every smaller size too

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return asdict(self)


def count_facets(connection: Connection, filters: Filters) -> Facets:
    """The facets of the pictures that pass. Takes 0.1 to 0.3 s with 100,000 pictures."""
    p = pictures.c
    years = _count_values(
        connection, func.substr(cast(p.taken_at, String), 1, 4), replace(filters, after=None, before=None)
    )
    sizes = {f"{size}MP": p.width * p.height >= size * 1_000_000 for size in MEGAPIXELS}
    return Facets(
        cameras=_sort(_add_longer_names(_count_values(connection, p.camera, replace(filters, camera=None)))),
        years=tuple(sorted(years, key=lambda count: count.value, reverse=True)),
        orientations=_sort(_count_classes(connection, ORIENTATION_CONDITIONS, replace(filters, orientation=None))),
        directories=_sort(
            _add_subdirectories(_count_directories(connection, replace(filters, folder=None, directory=None)))
        ),
        sizes=tuple(_count_classes(connection, sizes, replace(filters, min_pixels=None))),
    )


def _count_values(connection: Connection, value: ColumnElement[str], filters: Filters) -> list[Count]:
    query = select(value, func.count()).select_from(pictures).where(*make_conditions(filters)).group_by(value)
    return _to_counts(connection.execute(query))


def _count_directories(connection: Connection, filters: Filters) -> list[Count]:
    wanted, picture_id = make_conditions(filters), files.c.picture_id
    passes = picture_id.is_not(None)
    if wanted:  # the sum makes SQLite scan the index on directories instead of looking up each file
        passes = (picture_id + 0).in_(select(pictures.c.id).where(*wanted))
    query = select(files.c.directory, func.count(distinct(picture_id))).where(passes).group_by(files.c.directory)
    return _to_counts(connection.execute(query))


def _add_longer_names(cameras: Sequence[Count]) -> list[Count]:
    """The filter matches parts of names, so "EOS 5" also passes pictures of an "EOS 5D"."""
    folded = [(fold(camera.value), camera.n) for camera in cameras]
    return [Count(one.value, sum(n for name, n in folded if fold(one.value) in name)) for one in cameras]


def _add_subdirectories(directories: Sequence[Count]) -> list[Count]:
    totals = {count.value: count.n for count in directories}
    for count in directories:
        for parent in map(str, PurePath(count.value).parents):
            if parent in totals:
                totals[parent] += count.n
    return [Count(value, n) for value, n in totals.items()]


def _count_classes(connection: Connection, classes: Mapping[str, ColumnElement[bool]], filters: Filters) -> list[Count]:
    """Counts of classes, which may overlap, in one query."""
    sums = [func.count().filter(is_in) for is_in in classes.values()]
    row = connection.execute(select(*sums).select_from(pictures).where(*make_conditions(filters))).one()
    return [Count(value, n) for value, n in zip(classes, row, strict=True) if n]


def _to_counts(rows: Iterable[Sequence[Any]]) -> list[Count]:
    return [Count(str(value), n) for value, n in rows if value is not None]


def _sort(counts: list[Count]) -> tuple[Count, ...]:
    return tuple(sorted(counts, key=lambda count: (-count.n, count.value)))
