"""How many pictures each camera, year, orientation, directory and size has: what the filters can be set to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath
from typing import Any

from sqlalchemy import ColumnElement, Connection, distinct, func, select

from indexer.store.filters import SHAPES, Filters, conditions
from indexer.store.names import fold
from indexer.store.schema import files, pictures

__all__ = ["MEGAPIXELS", "Count", "Facets", "count_facets"]

MEGAPIXELS = (2, 8, 12, 24)


@dataclass(frozen=True, slots=True)
class Count:
    """A value, as the filters take it, and the number of pictures that have it."""

    value: str
    n: int


@dataclass(frozen=True, slots=True)
class Facets:
    """Each is counted with all filters applied but its own. Most frequent first; what no picture has is left out.

    A value's number is what its filter would leave: a camera's with those whose names hold its own, a directory's with
    all below it (there a picture with copies counts once for each directory that holds one).
    """

    cameras: tuple[Count, ...]
    years: tuple[Count, ...]  # "2024", when they were taken; latest first
    orientations: tuple[Count, ...]  # of ORIENTATIONS
    directories: tuple[Count, ...]  # absolute paths
    sizes: tuple[Count, ...]  # "8MP": so many at least, thus a picture counts in every size below its own

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return asdict(self)


def count_facets(connection: Connection, filters: Filters) -> Facets:
    """The facets of the pictures that pass. 0.1 to 0.3 s at 100,000 pictures."""
    p = pictures.c
    years = _grouped(connection, func.substr(p.taken_at, 1, 4), replace(filters, after=None, before=None))
    sizes = {f"{size}MP": p.width * p.height >= size * 1_000_000 for size in MEGAPIXELS}
    return Facets(
        cameras=_sorted(_with_longer(_grouped(connection, p.camera, replace(filters, camera=None)))),
        years=tuple(sorted(years, key=lambda count: count.value, reverse=True)),
        orientations=_sorted(_tallied(connection, SHAPES, replace(filters, orientation=None))),
        directories=_sorted(_with_inner(_directories(connection, replace(filters, folder=None, directory=None)))),
        sizes=tuple(_tallied(connection, sizes, replace(filters, min_pixels=None))),
    )


def _grouped(connection: Connection, value: ColumnElement[str], filters: Filters) -> list[Count]:
    query = select(value, func.count()).select_from(pictures).where(*conditions(filters)).group_by(value)
    return _counts(connection.execute(query))


def _directories(connection: Connection, filters: Filters) -> list[Count]:
    wanted, picture_id = conditions(filters), files.c.picture_id
    is_shown = picture_id.is_not(None)
    if wanted:  # the sum keeps SQLite from looking up file by file: it scans the index on directories instead
        is_shown = (picture_id + 0).in_(select(pictures.c.id).where(*wanted))
    query = select(files.c.directory, func.count(distinct(picture_id))).where(is_shown).group_by(files.c.directory)
    return _counts(connection.execute(query))


def _with_longer(cameras: Sequence[Count]) -> list[Count]:
    """The filter takes a part of a name, so "EOS 5" also lets "EOS 5D" pass."""
    folded = [(fold(camera.value), camera.n) for camera in cameras]
    return [Count(one.value, sum(n for name, n in folded if fold(one.value) in name)) for one in cameras]


def _with_inner(directories: Sequence[Count]) -> list[Count]:
    totals = {count.value: count.n for count in directories}
    for count in directories:
        for parent in map(str, PurePath(count.value).parents):
            if parent in totals:
                totals[parent] += count.n
    return [Count(value, n) for value, n in totals.items()]


def _tallied(connection: Connection, classes: Mapping[str, ColumnElement[bool]], filters: Filters) -> list[Count]:
    """A few classes, which may overlap, in one pass."""
    sums = [func.count().filter(is_in) for is_in in classes.values()]
    row = connection.execute(select(*sums).select_from(pictures).where(*conditions(filters))).one()
    return [Count(value, n) for value, n in zip(classes, row, strict=True) if n]


def _counts(rows: Iterable[Sequence[Any]]) -> list[Count]:
    return [Count(str(value), n) for value, n in rows if value is not None]


def _sorted(counts: list[Count]) -> tuple[Count, ...]:
    return tuple(sorted(counts, key=lambda count: (-count.n, count.value)))
