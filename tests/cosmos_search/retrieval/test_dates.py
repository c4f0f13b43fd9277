"""Dates and periods, absolute and relative to a day."""

from datetime import datetime

import pytest

from cosmos_search.retrieval.dates import parse_date, parse_period
from indexer.errors import UsageError

NOW = datetime(2024, 3, 31, 15, 30)  # a Sunday


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2008-1-5", datetime(2008, 1, 5)),
        ("2008-01-5", datetime(2008, 1, 5)),
        ("2008-1-05", datetime(2008, 1, 5)),
        (" 2008-1 ", datetime(2008, 1, 1)),
        ("2008-1-5T8:30", datetime(2008, 1, 5, 8, 30)),
        ("2008-1-5 8:05:09", datetime(2008, 1, 5, 8, 5, 9)),
        ("2008-1-5T8", datetime(2008, 1, 5, 8)),
        ("2008-01-05T18:00:00Z", datetime(2008, 1, 5, 18)),
        ("20080105", datetime(2008, 1, 5)),
        ("2008-W02", datetime(2008, 1, 7)),
    ],
)
def test_dates_are_read_with_and_without_zeros(text, date):
    assert parse_date(text) == date


@pytest.mark.parametrize(
    "text", ["", "0000", "2008-0-1", "2008-2-30", "2008-1-5-6", "2008-123", "08-1-5", "2008-1-5T25", "-1", "9" * 5000]
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(UsageError, match="is not a valid date"):
        parse_date(text)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2023", "2023-01-01", "2024-01-01"),
        ("2023-12", "2023-12-01", "2024-01-01"),
        ("2024-2-29", "2024-02-29", "2024-03-01"),
        ("2024-02-29 8:05", "2024-02-29 08:05", "2024-02-29 08:06"),
        ("2024-02-29T8", "2024-02-29 08:00", "2024-02-29 09:00"),
        ("2024-02-29T8..2024-02-29T9:30", "2024-02-29 08:00", "2024-02-29 09:31"),
        ("today", "2024-03-31", "2024-04-01"),
        ("Yesterday", "2024-03-30", "2024-03-31"),
        ("this-week", "2024-03-25", "2024-04-01"),
        ("last week", "2024-03-18", "2024-03-25"),
        ("this_month", "2024-03-01", "2024-04-01"),
        ("last-month", "2024-02-01", "2024-03-01"),
        ("this-year", "2024-01-01", "2025-01-01"),
        ("last-year", "2023-01-01", "2024-01-01"),
        ("1-day", "2024-03-30", "2024-04-01"),
        ("3-days", "2024-03-28", "2024-04-01"),
        ("2 weeks", "2024-03-17", "2024-04-01"),
        ("1-month", "2024-02-29", "2024-04-01"),  # there is no 31 February
        ("15-months", "2022-12-31", "2024-04-01"),
        ("2-years", "2022-03-31", "2024-04-01"),
        ("2022..2023", "2022-01-01", "2024-01-01"),
        ("2022-05 .. 2022-06-10", "2022-05-01", "2022-06-11"),
        ("2022..", "2022-01-01", None),
        ("..2022", None, "2023-01-01"),
        ("last-year..yesterday", "2023-01-01", "2024-03-31"),
        ("2022..3-days", "2022-01-01", "2024-04-01"),
        ("9999", "9999-01-01", None),
    ],
)
def test_periods_begin_and_end(text, start, end):
    found = parse_period(text, NOW)
    assert found == tuple(date and datetime.fromisoformat(date) for date in (start, end))
    if start and ".." not in text:
        assert parse_date(text, NOW) == found[0]


def test_relative_dates_count_from_today_by_default():
    start, end = parse_period("this-year")
    assert start <= datetime.now() < end


@pytest.mark.parametrize(
    "text",
    ["", " ", "..", " .. ", "2023-summer", "2023...2024", "2023..x", "x..2023", "last", "next-month", "-days", "3-cats",
     "2024..2023", "9999-years", "9" * 5000 + "-days", "last-day", "３-days..x"],
)  # fmt: skip
def test_what_is_no_period_is_refused(text):
    with pytest.raises(UsageError, match="is not a valid period"):
        parse_period(text, NOW)
