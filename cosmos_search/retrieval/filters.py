"""Filters from texts, as options of the command line and fields of the page have them."""

import re
from collections.abc import Sequence
from math import inf, isfinite
from typing import TYPE_CHECKING

from cosmos_search.retrieval.dates import parse_date, parse_period
from cosmos_search.retrieval.errors import InvalidValueError
from indexer.store.filter_record import Filters, Near

if TYPE_CHECKING:  # only places by name need it
    from cosmos_search.retrieval.gazetteer import Town

__all__ = ["find_town_of", "parse_filters", "parse_near", "parse_size"]

# Possessive quantifiers: each pattern takes time in proportion to the length of the text.
ANGLE = re.compile(r"([+-]?(?:\d++(?:\.\d*+)?|\.\d++))\s*+°?\s*+([NSEW]?)", re.IGNORECASE)
NAME = re.compile(r"[^\W\d_][^\d,]{1,99}+")  # of a town, a state or a country: letters and what is between them
UNIT = re.compile(r"\+?(?:\d++(?:\.\d*+)?|\.\d++)\s*+([^\W\d_]{1,20})")  # a number with any unit
RADIUS = re.compile(r"\+?(\d++(?:\.\d*+)?|\.\d++)\s*+(km|m|)", re.IGNORECASE)


def parse_filters(
    *,
    taken: str | None = None,
    after: str | None = None,
    before: str | None = None,
    folder: str | None = None,
    directory: str | None = None,
    camera: str | None = None,
    near: str | None = None,
    min_size: str | None = None,
    orientation: str | None = None,
    album: int | None = None,
    texts: Sequence[str] = (),
    without_texts: Sequence[str] = (),
) -> Filters:
    """The filters that these texts describe; None or an empty text: this filter is not set.

    taken: a period that the picture was taken in, see `parse_period`; after, before: see `parse_date`; near: see
    `parse_near`; min_size: see `parse_size`; the others: see `Filters`.
    Raises UsageError for a text that cannot be parsed and for filters that no picture can pass.
    """
    start, end = parse_period(taken) if taken else (None, None)
    starts = [start, parse_date(after) if after else None]
    ends = [end, parse_date(before) if before else None]
    return Filters(
        after=max((date for date in starts if date is not None), default=None),
        before=min((date for date in ends if date is not None), default=None),
        folder=folder or None,
        directory=directory or None,
        camera=camera or None,
        near=parse_near(near) if near else None,
        min_pixels=parse_size(min_size) if min_size else None,
        orientation=orientation.lower() if orientation else None,
        album=album,
        texts=tuple(texts),
        without_texts=tuple(without_texts),
    )


def parse_near(text: str) -> Near:
    """A circle: "48.14,11.58,20km", "33.9 S, 151.2 E, 500 m" or "Munich, 20 km". Raises UsageError.

    Raises UnknownTownError for a town that the gazetteer does not have, and MissingExtraError for any without it.
    """
    *where, last = _split_place(text)
    radius = RADIUS.fullmatch(last)
    radius_km = float(radius[1]) / (1000 if radius[2].lower() == "m" else 1) if radius is not None else inf
    if isfinite(radius_km):
        if len(where) == 2:
            latitude, longitude = _parse_angle(where[0], 90, "NS"), _parse_angle(where[1], 180, "EW")
            if latitude is not None and longitude is not None:
                return Near(latitude, longitude, radius_km)
        if (town := find_town_of(text)) is not None:
            return Near(town.latitude, town.longitude, radius_km)
    raise InvalidValueError(text, "place", _explain_place(where, last))


def find_town_of(text: str) -> "Town | None":
    """The town of a circle: of "Munich,20km" or "Portland, Maine, 20 km"; None if the text names none.

    Raises errors as `parse_near`.
    """
    *names, _ = _split_place(text)
    if not 1 <= len(names) <= 2 or not all(NAME.fullmatch(name) for name in names):
        return None
    from cosmos_search.retrieval.gazetteer import find_town

    return find_town(*names)


def _split_place(text: str) -> list[str]:
    return [part.strip() for part in text.replace("\N{MINUS SIGN}", "-").split(",")]


def _explain_place(where: list[str], last: str) -> str | None:
    """What is wrong with a place, whose parts these are; None if it is not one of the usual mistakes."""
    if (unit := UNIT.fullmatch(last)) and unit[1].lower() not in ("km", "m"):
        return f"the unit of its radius is {unit[1]!r}; use km or m"
    angles = [ANGLE.fullmatch(part) for part in where]
    if len(where) == 2 and all(angles):
        for name, limit, angle in zip(("latitude", "longitude"), (90, 180), angles, strict=True):
            if angle is not None and abs(float(angle[1])) > limit:
                return f"its {name} is {angle[0]}, which is not between -{limit} and {limit}"
    words = last.split()
    for n in (1, 2):
        if len(words) > n and RADIUS.fullmatch("".join(words[-n:])):
            return "write a comma before the radius: Munich,20km"
    if NAME.fullmatch(last) or (len(where) == 1 and all(angles) and ANGLE.fullmatch(last)):
        return "add a radius: Munich,20km or 48.14,11.58,20km"
    return None


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
