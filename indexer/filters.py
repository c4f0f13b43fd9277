"""What a picture must be like, apart from what it shows: dates, folder, camera, place, size, orientation."""

import re
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, String, cast, exists, func, select

from indexer.errors import UsageError
from indexer.schema import files, pictures

__all__ = ["ORIENTATIONS", "Filters", "Near", "matching", "parse_date", "parse_near", "parse_size"]

ORIENTATIONS = ("portrait", "landscape", "square")
EARTH_KM = 6371.0088  # mean radius (IUGG)


@dataclass(frozen=True, slots=True)
class Near:
    """A circle on the earth: degrees (WGS84) and kilometres."""

    latitude: float
    longitude: float
    radius_km: float


@dataclass(frozen=True, slots=True)
class Filters:
    """All that are given must hold. A picture that doesn't say when or where it was taken fails a filter on that."""

    after: datetime | None = None  # taken then or later, by the camera's clock
    before: datetime | None = None  # taken earlier
    folder: str | None = None  # a part of a directory's path, in any case
    camera: str | None = None  # a part of its name, in any case
    near: Near | None = None
    min_pixels: int | None = None
    orientation: str | None = None  # one of ORIENTATIONS

    def __post_init__(self) -> None:
        """Raise UsageError for filters that no picture can pass."""
        if self.after and self.before and self.after >= self.before:
            raise UsageError(f"No picture can be taken after {self.after:%Y-%m-%d} and before {self.before:%Y-%m-%d}.")
        if self.orientation is not None and self.orientation not in ORIENTATIONS:
            raise UsageError(f"There is no orientation {self.orientation!r}; choose from: {', '.join(ORIENTATIONS)}")


def matching(connection: Connection, filters: Filters) -> NDArray[np.int64] | None:
    """The ids of the pictures that pass, ascending: (n,). None: all of them do."""
    conditions = list(_conditions(filters))
    if not conditions:
        return None
    query = select(pictures.c.id, pictures.c.latitude, pictures.c.longitude).where(*conditions).order_by(pictures.c.id)
    rows = connection.execute(query).all()
    ids = np.array([row.id for row in rows], dtype=np.int64)
    if filters.near is None:
        return ids
    places = np.array([(row.latitude, row.longitude) for row in rows]).reshape(-1, 2)
    return ids[_distance_km(places, filters.near) <= filters.near.radius_km]


def parse_date(text: str) -> datetime:
    """2024, 2024-06, 2024-06-30, or with a time. The beginning of what is named. Raises UsageError."""
    if match := re.fullmatch(r"(\d{4})(?:-(\d{1,2}))?", text.strip()):
        text = f"{match[1]}-{int(match[2] or 1):02}-01"
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        raise UsageError(f"{text!r} is no date; dates are: 2024, 2024-06, 2024-06-30 or 2024-06-30T18:00") from None


def parse_near(text: str) -> Near:
    """ "48.14,11.58,20km". Raises UsageError."""
    match = re.fullmatch(r"(-?\d+\.?\d*),\s*(-?\d+\.?\d*),\s*(\d+\.?\d*)\s*(km|m)?", text.strip())
    if match is None or abs(float(match[1])) > 90 or abs(float(match[2])) > 180:
        raise UsageError(f"{text!r} is no place; a place is latitude,longitude,radius: 48.14,11.58,20km")
    return Near(float(match[1]), float(match[2]), float(match[3]) / (1000 if match[4] == "m" else 1))


def parse_size(text: str) -> int:
    """Pixels, from "2MP" or "1920x1080". Raises UsageError."""
    if match := re.fullmatch(r"(\d+\.?\d*)\s*mp", text.strip().lower()):
        return round(float(match[1]) * 1e6)
    if match := re.fullmatch(r"(\d+)\s*[x×]\s*(\d+)", text.strip().lower()):
        return int(match[1]) * int(match[2])
    raise UsageError(f"{text!r} is no size; sizes are: 2MP or 1920x1080")


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    p, conditions = pictures.c, []
    if filters.after is not None:
        conditions.append(p.taken_at >= filters.after)
    if filters.before is not None:
        conditions.append(p.taken_at < filters.before)
    if filters.camera is not None:
        conditions.append(func.instr(func.lower(p.camera), filters.camera.lower()) > 0)
    if filters.folder is not None:
        directory = func.lower(cast(files.c.directory, String))
        conditions.append(exists().where(files.c.picture_id == p.id, func.instr(directory, filters.folder.lower()) > 0))
    if filters.near is not None:
        reach = np.degrees(filters.near.radius_km / EARTH_KM)
        conditions.append(p.latitude.between(filters.near.latitude - reach, filters.near.latitude + reach))
    if filters.min_pixels is not None:
        conditions.append(p.width * p.height >= filters.min_pixels)
    if filters.orientation is not None:
        shapes = {"portrait": p.width < p.height, "landscape": p.width > p.height, "square": p.width == p.height}
        conditions.append(shapes[filters.orientation])
    return conditions


def _distance_km(places: NDArray[np.float64], near: Near) -> NDArray[np.float64]:
    """Along great circles, by the haversine formula. places: (n, 2), degrees."""
    latitude, longitude = np.radians(places).T
    lat0, lon0 = np.radians((near.latitude, near.longitude))
    h = np.sin((latitude - lat0) / 2) ** 2 + np.cos(latitude) * np.cos(lat0) * np.sin((longitude - lon0) / 2) ** 2
    distance: NDArray[np.float64] = 2 * EARTH_KM * np.arcsin(np.sqrt(np.clip(h, 0, 1)))
    return distance
