"""Filters from texts, as options of the command line and fields of the page have them."""

import re
from datetime import datetime
from math import isfinite

from cosmos_search.retrieval.errors import InvalidValueError
from indexer.store.filter_record import Filters, Near

__all__ = ["parse_date", "parse_filters", "parse_near", "parse_size"]

# Possessive quantifiers: each pattern takes time in proportion to the length of the text.
DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?((?:[ Tt].*)?)", re.DOTALL)
ANGLE = re.compile(r"([+-]?(?:\d++(?:\.\d*+)?|\.\d++))\s*+°?\s*+([NSEW]?)", re.IGNORECASE)
RADIUS = re.compile(r"\+?(\d++(?:\.\d*+)?|\.\d++)\s*+(km|m|)", re.IGNORECASE)


def parse_filters(
    *,
    after: str | None = None,
    before: str | None = None,
    folder: str | None = None,
    directory: str | None = None,
    camera: str | None = None,
    near: str | None = None,
    min_size: str | None = None,
    orientation: str | None = None,
) -> Filters:
    """The filters that these texts describe; None or an empty text: this filter is not set.

    after, before: see `parse_date`; near: see `parse_near`; min_size: see `parse_size`; the others: see `Filters`.
    Raises UsageError for a text that cannot be parsed and for filters that no picture can pass.
    """
    return Filters(
        after=parse_date(after) if after else None,
        before=parse_date(before) if before else None,
        folder=folder or None,
        directory=directory or None,
        camera=camera or None,
        near=parse_near(near) if near else None,
        min_pixels=parse_size(min_size) if min_size else None,
        orientation=orientation.lower() if orientation else None,
    )


def parse_date(text: str) -> datetime:
    """The start of a period: 2024, 2024-06, 2024-6-3, or a date with a time. Raises UsageError."""
    date = text.strip()
    if match := DATE.fullmatch(date):
        time = re.sub(r"(?<=[ T:])\d(?=:|$)", r"0\g<0>", match[4])
        date = f"{int(match[1]):04}-{int(match[2] or 1):02}-{int(match[3] or 1):02}{time}"
    try:
        return datetime.fromisoformat(date).replace(tzinfo=None)
    except ValueError:
        raise InvalidValueError(text, "date") from None


def parse_near(text: str) -> Near:
    """A circle: "48.14,11.58,20km" or "33.9 S, 151.2 E, 500 m". Raises UsageError."""
    parts = [part.strip() for part in text.replace("\N{MINUS SIGN}", "-").split(",")]
    radius = RADIUS.fullmatch(parts[2]) if len(parts) == 3 else None
    if radius is not None:
        latitude, longitude = _parse_angle(parts[0], 90, "NS"), _parse_angle(parts[1], 180, "EW")
        radius_km = float(radius[1]) / (1000 if radius[2].lower() == "m" else 1)
        if latitude is not None and longitude is not None and isfinite(radius_km):
            return Near(latitude, longitude, radius_km)
    raise InvalidValueError(text, "place")


def parse_size(text: str) -> int:
    """Number of pixels, from "2MP" or "1920x1080". Raises UsageError."""
    if match := re.fullmatch(r"(\d{1,9}\.?\d{0,9})\s*mp", text.strip().lower()):
        return round(float(match[1]) * 1e6)
    if match := re.fullmatch(r"(\d{1,9})\s*[x×]\s*(\d{1,9})", text.strip().lower()):
        return int(match[1]) * int(match[2])
    raise InvalidValueError(text, "size")


def _parse_angle(text: str, limit: int, letters: str) -> float | None:
    """Degrees, from "+48.1" or "48.1° S"; None for an invalid text.

    letters: the letters of the positive and of the negative direction.
    """
    match = ANGLE.fullmatch(text)
    if match is None or abs(float(match[1])) > limit:
        return None
    if not match[2]:
        return float(match[1])
    if match[2].upper() not in letters or match[1][0] in "+-":
        return None
    return float(match[1]) * (1 if match[2].upper() == letters[0] else -1)
