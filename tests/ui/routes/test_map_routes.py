"""The data of both maps, without a server."""

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

import cosmos_search
from tests.colour import dated
from tests.demo import SKIMAGE, link_photos, make_home, make_index
from ui.routes.routes import make_routes


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Of five photos, and two with a place."""
    folder = tmp_path_factory.mktemp("maps")
    photos = link_photos(folder / "photos")
    with Image.open(SKIMAGE / "rocket.jpg") as rocket:
        rocket.resize((300, 200)).save(photos / "munich.jpg", exif=dated("2024:06:15 12:00:00", 48.14, 11.58))
        rocket.resize((200, 100)).save(photos / "sydney.jpg", exif=dated("2024:06:16 12:00:00", -33.87, 151.21))
    return make_index(folder / "index", photos)


@pytest.fixture
def client(made, tmp_path, monkeypatch):
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(made))
    monkeypatch.setenv("XDG_CACHE_HOME", str(make_home(tmp_path) / "cache"))
    return TestClient(Starlette(routes=make_routes(is_local=False)))


def test_the_map_has_every_picture_and_the_names_of_all_clusters(client):
    values = client.get("/page/map").json()
    assert sorted(values["ids"]) == [1, 2, 3, 4, 5, 6, 7]
    assert len(values["xs"]) == len(values["ys"]) == len(values["clusters"]) == values["n_pictures"] == 7
    assert sum(label["n"] for label in values["labels"]) == 7
    assert all(label["name"] for label in values["labels"])


def test_cards_are_sent_for_ids(client, made):
    with cosmos_search.open(made) as library:
        picture = library.picture(3)
    (card,) = client.get("/page/map/cards", params={"ids": "3,99"}).json()
    assert card == {"id": 3, "name": picture.paths[0].name, "version": picture.fingerprint[:16]}
    for ids in ("", "x", "1,,2", "1;2", "9" * 16, ",".join(["1"] * 201)):
        assert client.get("/page/map/cards", params={"ids": ids}).status_code == 400


def test_the_pictures_of_a_cluster_are_a_list_that_can_be_scrolled(client):
    labels = client.get("/page/map").json()["labels"]
    listed = []
    for number in range(len(labels)):
        address = {"view": "explore", "cluster": number}
        outline = client.get("/page/outline", params=address).json()
        cards = client.get("/page/cards", params={**address, "start": 0, "n": 200}).json()
        assert outline["ids"] == [card["id"] for card in cards]
        assert len(cards) == labels[number]["n"]
        assert outline["months"] == []
        listed += outline["ids"]
    assert sorted(listed) == [1, 2, 3, 4, 5, 6, 7]
    assert client.get("/page/outline", params={"view": "explore", "cluster": 99}).json()["ids"] == []


def test_places_are_those_of_pictures_that_have_one(client):
    places = client.get("/page/map/places").json()
    assert list(zip(places["latitudes"], places["longitudes"], strict=True)) == [(-33.87, 151.21), (48.14, 11.58)]
    assert len(places["ids"]) == len(places["town_of"]) == 2
    assert len(client.get("/page/map/land").json()) > 100
