"""Dates and periods from texts, also relative to today: 2024-06, 2023..2024, yesterday, last-month, 3-days."""

import re
from calendar import monthrange
from datetime import datetime, timedelta

from cosmos_search.retrieval.errors import InvalidValueError, ValueKind

__all__ = ["parse_date", "parse_period"]

# Possessive quantifiers: each pattern takes time in proportion to the length of the text.
DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?((?:[ Tt].*)?)", re.DOTALL)
CALENDAR = re.compile(r"(last|this)-(week|month|year)")
RECENT = re.compile(r"(\d{1,4}+)-(day|week|month|year)s?+")
MONTHS = {"month": 1, "year": 12}
Period = tuple[datetime | None, datetime | None]  # None: without a start, without an end


def parse_date(text: str, now: datetime | None = None) -> datetime:
    """The start of a period: 2024, 2024-06, 2024-6-3, a date with a time, last-year, 3-days. Raises UsageError.

    now: what relative dates count from; None: the current local time.
    """
    start, _ = _parse_one(text, "date", now)
    return start


def parse_period(text: str, now: datetime | None = None) -> Period:
    """The start of a period, and its end, which is not part of it: 2023, last-month, 2023..2024, 2023.., ..yesterday.

    3-days are the last three and today. now: as for `parse_date`. Raises UsageError.
    """
    first, dots, last = text.partition("..")
    if not dots:
        return _parse_one(text, "period", now)
    if not first.strip() and not last.strip():
        raise InvalidValueError(text, "period")
    start = _parse_one(first, "period", now)[0] if first.strip() else None
    end = _parse_one(last, "period", now)[1] if last.strip() else None
    if start is not None and end is not None and end <= start:
        raise InvalidValueError(text, "period")
    return start, end


def _parse_one(text: str, kind: ValueKind, now: datetime | None) -> tuple[datetime, datetime | None]:
    """The period that a text without dots describes. kind: what it is not, if it is not valid."""
    try:
        return _parse_relative(text, now or datetime.now()) or _parse_absolute(text)
    except (ValueError, OverflowError):
        raise InvalidValueError(text, kind) from None


def _parse_relative(text: str, now: datetime) -> tuple[datetime, datetime | None] | None:
    """A period that is relative to now; None for other texts."""
    name = re.sub(r"[\s_]+", "-", text.strip().lower())
    today = datetime(now.year, now.month, now.day)
    if name in ("today", "yesterday"):
        start = today - timedelta(days=name == "yesterday")
        return start, start + timedelta(days=1)
    if match := CALENDAR.fullmatch(name):
        n = -1 if match[1] == "last" else 0
        if match[2] == "week":
            monday = today - timedelta(days=today.weekday())
            return _shift(monday, "week", n), _shift(monday, "week", n + 1)
        first = datetime(today.year, 1 if match[2] == "year" else today.month, 1)
        return _shift(first, match[2], n), _shift(first, match[2], n + 1)
    if match := RECENT.fullmatch(name):
        return _shift(today, match[2], -int(match[1])), today + timedelta(days=1)
    return None


def _parse_absolute(text: str) -> tuple[datetime, datetime | None]:
    """A year, month, day, hour or minute; without an end if that is after the year 9999. Raises ValueError."""
    date, unit = text.strip(), "day"
    if match := DATE.fullmatch(date):
        time = re.sub(r"(?<=[ T:])\d(?=:|$)", r"0\g<0>", match[4])
        unit = "minute" if ":" in time else "hour" if time else "day" if match[3] else "month" if match[2] else "year"
        date = f"{int(match[1]):04}-{int(match[2] or 1):02}-{int(match[3] or 1):02}{time}"
    start = datetime.fromisoformat(date).replace(tzinfo=None)
    try:
        return start, _shift(start, unit, 1)
    except (ValueError, OverflowError):
        return start, None


def _shift(date: datetime, unit: str, n: int) -> datetime:
    """The same day and time n units later; the last day of a month that is too short for it."""
    if unit not in MONTHS:
        return (
            date
            + n
            * {
                "minute": timedelta(minutes=1),
                "hour": timedelta(hours=1),
                "day": timedelta(days=1),
                "week": timedelta(weeks=1),
            }[unit]
        )
    year, month = divmod(12 * date.year + date.month - 1 + n * MONTHS[unit], 12)
    return date.replace(year=year, month=month + 1, day=min(date.day, monthrange(year, month + 1)[1]))
