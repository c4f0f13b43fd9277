"""Filters on the properties of pictures: dates, folder, camera, place, size, orientation."""

from math import degrees
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, LargeBinary, case, func, literal, not_, or_, select, type_coerce

from indexer.store.dialect import contains_folded
from indexer.store.filter_record import ORIENTATIONS, Filters, Near
from indexer.store.geo import EARTH_KM
from indexer.store.names import encode_part, encode_path, expand_folder
from indexer.store.rows import read_ids
from indexer.store.schema import album_pictures, files, pictures
from indexer.store.texts import contains_text

__all__ = [
    "ORIENTATION_CONDITIONS",
    "count_matching",
    "find_matching",
    "find_newest",
    "make_conditions",
]

ORIENTATION_CONDITIONS: dict[str, ColumnElement[bool]] = {
    "portrait": pictures.c.width < pictures.c.height,
    "landscape": pictures.c.width > pictures.c.height,
    "square": pictures.c.width == pictures.c.height,
}
assert tuple(ORIENTATION_CONDITIONS) == ORIENTATIONS, ORIENTATION_CONDITIONS


def make_conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """The conditions on a row of `pictures`; an empty list: every picture passes."""
    p, wanted = pictures.c, []
    if filters.after is not None:
        wanted.append(p.taken_at >= filters.after)
    if filters.before is not None:
        wanted.append(p.taken_at < filters.before)
    if filters.camera is not None:
        wanted.append(_contains(p.camera, filters.camera))
    if filters.folder is not None:
        parts = (_contains(files.c.directory, part) for part in expand_folder(filters.folder))
        wanted.append(p.id.in_(select(files.c.picture_id).where(or_(*parts))))
    if filters.directory is not None:
        wanted.append(p.id.in_(select(files.c.picture_id).where(_is_below(filters.directory))))
    if filters.near is not None:
        wanted.append(_is_near(filters.near))
    if filters.min_pixels is not None:
        wanted.append(p.width * p.height >= filters.min_pixels)
    if filters.orientation is not None:
        wanted.append(ORIENTATION_CONDITIONS[filters.orientation])
    wanted += [contains_text(text) for text in filters.texts]
    wanted += [not_(contains_text(text)) for text in filters.without_texts]
    if filters.album is not None:
        members = select(album_pictures.c.fingerprint).where(album_pictures.c.album_id == filters.album)
        wanted.append(p.fingerprint.in_(members))
    return wanted


def find_matching(connection: Connection, filters: Filters) -> NDArray[np.int64] | None:
    """The ids of the pictures that pass, ascending: (n,). None: all pictures."""
    wanted = make_conditions(filters)
    if not wanted:
        return None
    return read_ids(connection, pictures.c.id, *wanted)


def count_matching(connection: Connection, filters: Filters) -> int:
    """The number of pictures that pass."""
    query = select(func.count()).select_from(pictures).where(*make_conditions(filters))
    return connection.execute(query).scalar_one()


def find_newest(connection: Connection, filters: Filters, start: int, n: int) -> list[int]:
    """The ids of `n` pictures that pass, from the `start`-th (0 is the first), newest first, undated ones last."""
    order = (pictures.c.taken_at.desc().nulls_last(), pictures.c.id.desc())
    query = select(pictures.c.id).where(*make_conditions(filters)).order_by(*order).offset(start).limit(n)
    return list(connection.execute(query).scalars())


def _contains(column: ColumnElement[Any], part: str) -> ColumnElement[bool]:
    return contains_folded(column, literal(encode_part(part), LargeBinary))


def _is_below(directory: str) -> ColumnElement[bool]:
    path = encode_path(directory)
    inside = path.rstrip(b"/") + b"/"
    found = files.c.directory
    is_below = func.substr(found, 1, len(inside), type_=LargeBinary) == literal(inside, LargeBinary)
    return or_(type_coerce(found, LargeBinary) == literal(path.rstrip(b"/") or b"/", LargeBinary), is_below)


def _is_near(near: Near) -> ColumnElement[bool]:
    """The distance is computed within the circle's band of latitudes only; pictures without a place are outside."""
    p, reach = pictures.c, degrees(near.radius_km / EARTH_KM)
    distance = func.distance_km(p.latitude, p.longitude, near.latitude, near.longitude)
    in_band = p.latitude.between(near.latitude - reach, near.latitude + reach)
    return case((in_band, distance <= near.radius_km), else_=False)
