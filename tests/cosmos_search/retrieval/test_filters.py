"""Filters from texts."""

from datetime import datetime

import pytest

from cosmos_search.retrieval.dates import parse_date
from cosmos_search.retrieval.errors import UnknownTownError
from cosmos_search.retrieval.filters import parse_filters, parse_near, parse_size
from indexer.errors import UsageError
from indexer.store.filter_record import Filters, Near


def test_one_function_parses_all_filters():
    parsed = parse_filters(
        after="2024",
        before="2024-06-30",
        folder="trips",
        directory="/photos",
        camera="X100",
        near="48.14,11.58,20km",
        min_size="2MP",
        orientation="Portrait",
    )
    assert parsed == Filters(
        after=datetime(2024, 1, 1),
        before=datetime(2024, 6, 30),
        folder="trips",
        directory="/photos",
        camera="X100",
        near=Near(48.14, 11.58, 20),
        min_pixels=2_000_000,
        orientation="portrait",
    )
    assert parse_filters() == parse_filters(after="", camera="", near=None) == Filters()


def test_filters_are_read_from_text():
    assert parse_date("2024") == datetime(2024, 1, 1)
    assert parse_date("2024-6") == datetime(2024, 6, 1)
    assert parse_date("2024-06-30T18:00") == datetime(2024, 6, 30, 18)
    assert parse_near("48.14,11.58,20km") == Near(48.14, 11.58, 20)
    assert parse_near("-33,151,500m") == Near(-33, 151, 0.5)
    assert (parse_size("2MP"), parse_size("1920x1080")) == (2_000_000, 2_073_600)
    for parse, texts in (
        (parse_date, ("", "2024-13", "x")),
        (parse_near, ("91,0,1", "1,2", "a")),
        (parse_size, ("", "2")),
    ):
        for text in texts:
            with pytest.raises(UsageError):
                parse(text)
    with pytest.raises(UsageError, match="No picture"):
        Filters(after=datetime(2025, 1, 1), before=datetime(2024, 1, 1))


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("48.1,11.6,5KM", Near(48.1, 11.6, 5)),
        ("48.1, 11.6, 5 km", Near(48.1, 11.6, 5)),
        (" +48 , +11 , 500 M ", Near(48, 11, 0.5)),
        ("48,11,5", Near(48, 11, 5)),
        (".5,-.5,.5km", Near(0.5, -0.5, 0.5)),
        ("33.9S,151.2E,1Km", Near(-33.9, 151.2, 1)),
        ("33.9 s, 151.2 e, 1 km", Near(-33.9, 151.2, 1)),
        ("40.7° N, 74° W, 10km", Near(40.7, -74, 10)),
        ("−33.9,151.2,1km", Near(-33.9, 151.2, 1)),
        ("48.,11.,5.km", Near(48, 11, 5)),
    ],
)
def test_places_are_read_as_people_write_them(text, near):
    assert parse_near(text) == near


@pytest.mark.parametrize(
    "text",
    [
        "", "48,11", "48,11,5,6", "48,11,", ",,", "48,11,-5km", "48,11,nan", "inf,11,5", "48E,11N,5", "-48S,11,5",
        "91N,0,1", "0,181,1", "48,11,5mi", "48 1,11,5",
        "1e1,11,5", "48,11," + "9" * 400, "٤٨°°,11,5", "\x1b[31m,1,1", "N,E,5km",
    ],
)  # fmt: skip
def test_what_is_no_place_is_refused(text):
    with pytest.raises(UsageError, match="is not a valid place") as caught:
        parse_near(text)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Munich, 5 miles", "the unit of its radius is 'miles'; use km or m"),
        ("48,11,5mi", "the unit of its radius is 'mi'; use km or m"),
        ("Munich 20km", "write a comma before the radius: Munich,20km"),
        ("New York 20", "write a comma before the radius: Munich,20km"),
        ("Portland, Maine 5 km", "write a comma before the radius: Munich,20km"),
        ("48.1,11.6 5km", "write a comma before the radius: Munich,20km"),
        ("Munich", "add a radius: Munich,20km or 48.14,11.58,20km"),
        ("Portland, Maine", "add a radius: Munich,20km or 48.14,11.58,20km"),
        ("48.14,11.58", "add a radius: Munich,20km or 48.14,11.58,20km"),
        ("91,200,5km", "its latitude is 91, which is not between -90 and 90"),
        ("48.1, -180.5, 5km", "its longitude is -180.5, which is not between -180 and 180"),
        ("0,181 E,1", "its longitude is 181 E, which is not between -180 and 180"),
        ("#1", "use latitude,longitude,radius: 48.14,11.58,20km, or a town: Munich,20km"),
    ],
)
def test_usual_mistakes_in_places_are_explained(text, reason):
    with pytest.raises(UsageError) as caught:
        parse_near(text)
    assert str(caught.value) == f"{text!r} is not a valid place; {reason}"


def test_a_town_is_the_centre_of_a_circle():
    near = parse_near("Munich, 500 m")
    assert (round(near.latitude, 1), round(near.longitude, 1), near.radius_km) == (48.1, 11.6, 0.5)
    assert parse_filters(near="München,0.5km").near == near
    with pytest.raises(UnknownTownError, match="did you mean Munich"):
        parse_near("Munihc,5km")


def test_a_period_is_narrowed_by_dates():
    assert parse_filters(taken="2023..2024") == parse_filters(after="2023", before="2025")
    assert parse_filters(taken="2023..2024", after="2024-03", before="2026") == parse_filters(taken="2024-03..2024")
    assert parse_filters(taken="2023..", before="2024") == parse_filters(taken="2023")
