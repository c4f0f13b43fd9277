"""The routes beside Streamlit's, without a server: bytes of pictures, results and albums as JSON."""

import io
import json

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

import cosmos_search
from indexer.pictures.regions import Box
from indexer.store.albums import FAVOURITES
from indexer.store.records import TextLine
from tests.colour import dated
from tests.demo import SKIMAGE, link_photos, make_home, make_index
from ui.routes.routes import make_routes

CUP = "a cup of coffee"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Of five photos, a TIFF, a picture with a date and a place, and one whose name is HTML and a path on Windows."""
    folder = tmp_path_factory.mktemp("routes")
    photos = link_photos(folder / "photos")
    with Image.open(SKIMAGE / "rocket.jpg") as rocket:
        rocket.save(photos / "scan.tif")
        rocket.resize((300, 200)).save(photos / "dated.jpg", exif=dated("2024:06:15 12:00:00", 48.14, 11.58))
        rocket.crop((0, 0, 320, 200)).save(photos / "<b>C:evil.jpg")
    return make_index(folder / "index", photos)


@pytest.fixture
def index(made, tmp_path, monkeypatch):
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(made))
    monkeypatch.setenv("XDG_CACHE_HOME", str(make_home(tmp_path) / "cache"))
    return made


@pytest.fixture
def client(index):
    return TestClient(Starlette(routes=make_routes(is_local=False)))


@pytest.fixture
def pictures(index):
    """The records by file name."""
    with cosmos_search.open(index) as library:
        return {picture.paths[0].name: picture for picture in library.browse()}


def get(client, picture, name, **parameters):
    return client.get(f"/page/pictures/{picture.id}/{name}", params={"v": picture.fingerprint[:16], **parameters})


def test_a_thumbnail_is_a_small_jpeg_that_browsers_keep(client, pictures):
    for side in (320, 640):
        answer = get(client, pictures["rocket.jpg"], "thumbnail", side=side)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert "immutable" in answer.headers["cache-control"]
        assert Image.open(io.BytesIO(answer.content)).width == side
    assert get(client, pictures["rocket.jpg"], "thumbnail", side=321).status_code == 400


def test_an_address_of_another_content_is_gone(client, pictures):
    answer = get(client, pictures["rocket.jpg"], "thumbnail", v="0" * 16)
    assert (answer.status_code, answer.json()["error"]) == (410, "This picture is not indexed any more")
    for id_ in (99, 1 << 70):
        assert client.get(f"/page/pictures/{id_}/original").status_code == 410
    assert client.get("/page/pictures/-1/original").status_code == 404


def test_all_pixels_are_the_file_itself_if_browsers_show_its_type(client, pictures):
    answer = get(client, pictures["chelsea.png"], "full")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == (SKIMAGE / "chelsea.png").read_bytes()
    answer = get(client, pictures["scan.tif"], "full")
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.content)).size == (640, 427)


def test_a_download_has_the_bytes_and_a_name_that_is_valid_everywhere(client, pictures):
    answer = get(client, pictures["chelsea.png"], "original")
    assert answer.content == (SKIMAGE / "chelsea.png").read_bytes()
    assert answer.headers["content-type"] == "application/octet-stream"
    evil = get(client, pictures["<b>C:evil.jpg"], "original")
    assert evil.headers["content-disposition"] == "attachment; filename*=UTF-8''_b_C_evil.jpg"


def test_a_file_with_another_content_is_not_sent(index, tmp_path, monkeypatch):
    photos = link_photos(tmp_path / "photos", ("coffee.png",))
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(make_index(tmp_path / "index", photos)))
    client = TestClient(Starlette(routes=make_routes(is_local=False)))
    (photos / "coffee.png").unlink()
    (photos / "coffee.png").symlink_to("/etc/passwd")
    for name in ("original", "full", "preview", "thumbnail"):
        answer = client.get(f"/page/pictures/1/{name}")
        assert answer.status_code == 410
        assert "changed since it was indexed" in answer.json()["error"]


def test_the_outline_has_all_pictures_in_the_order_of_their_dates(client, pictures):
    outline = client.get("/page/outline").json()
    assert outline["ids"] == [picture.id for picture in pictures.values()]
    assert outline["months"] == [["2024-06", 1], ["2009-02", 1], ["", 6]]
    ratios = dict(zip(outline["ids"], outline["ratios"], strict=True))
    assert ratios[pictures["coffee.png"].id] == 1.5
    found = client.get("/page/outline", params={"query": CUP, "all": 1}).json()
    assert sorted(found["ids"]) == sorted(outline["ids"])
    assert (found["ids"][0], found["months"]) == (pictures["coffee.png"].id, [])


def test_cards_are_parts_of_the_results_with_their_evidence(client, pictures):
    cards = client.get("/page/cards", params={"query": CUP, "all": 1, "start": 0, "n": 2}).json()
    assert [card["name"] for card in cards][:1] == ["coffee.png"]
    assert len(cards) == 2
    assert cards[0]["parts"][0]["text"] == CUP
    assert cards[0]["score_text"].startswith("0.")
    names = [client.get("/page/cards", params={"start": i, "n": 1}).json()[0]["name"] for i in range(8)]
    assert names == list(pictures)
    assert client.get("/page/cards", params={"start": 8, "n": 1}).json() == []
    for start in ("-1", "x", "²", "9" * 30):
        assert client.get("/page/cards", params={"start": start, "n": 1}).status_code == 400


def test_an_invalid_search_is_one_sentence(client):
    answer = client.get("/page/outline", params={"query": 'a "dog'})
    assert answer.status_code == 400
    assert "This quote is not closed" in answer.json()["error"]
    assert client.get("/page/outline", params={"similar_to": 99}).status_code == 400
    assert client.get("/page/outline", params={"upload": "unknown"}).status_code == 400


def test_the_details_are_metadata_place_files_and_evidence(client, pictures):
    answer = get(client, pictures["dated.jpg"], "details").json()
    facts = dict(answer["facts"])
    assert facts["Taken"] == "Saturday, 15 June 2024, 12:00"
    assert facts["Place"] == "Munich, Germany (48.14000, 11.58000)"
    assert answer["map"].startswith("<svg")
    assert "mlat=48.14" in answer["map_link"]
    assert answer["paths"] == [str(pictures["dated.jpg"].paths[0])]
    assert (answer["parts"], answer["can_open_folder"]) == ([], False)
    (part,) = get(client, pictures["coffee.png"], "details", query=CUP).json()["parts"]
    assert (part["text"], part["heat"], part["is_whole"]) == (CUP, CUP, False)


def test_boxes_are_fitted_to_the_heat_maps(client, index, pictures):
    query = "a rocket. a tower"
    rocket = pictures["rocket.jpg"]
    boxes = get(client, rocket, "boxes", query=query, all=1).json()
    name, *parts = get(client, rocket, "details", query=query, all=1).json()["parts"]
    assert (name["text"], name["box"], name["heat"]) == ("file name: 'rocket.jpg'", None, None)
    with cosmos_search.open(index) as library:
        hits = library.search(query, include_unlikely=True)
        hit = next(hit for hit in hits if hit.path.name == "rocket.jpg")
        refined = cosmos_search.refine(hit, library.encoder).evidence
    for box, part, region, other in zip(boxes, parts, hit.evidence, refined, strict=True):
        assert Box(*part["box"]) == region.box != Box(*box)
        assert Box(*box).iou(other.box) > 0.8  # from a smaller copy of the picture


def test_a_sentence_about_the_whole_picture_is_marked(index, tmp_path, monkeypatch):
    with cosmos_search.open(tmp_path / "index") as library:
        library.add(link_photos(tmp_path / "photos", ("coffee.png",)), regions="none")
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(tmp_path / "index"))
    client = TestClient(Starlette(routes=make_routes(is_local=False)))
    (part,) = client.get("/page/pictures/1/details", params={"query": CUP, "all": 1}).json()["parts"]
    assert (part["box"], part["is_whole"]) == (None, True)


class SignReader:
    """Reads a sign in pictures that are wider than 500 pixels."""

    version, max_side = "signs 1", 1280

    def read(self, picture):
        return [TextLine("picture", "EXIT 12", Box(0.1, 0.2, 0.5, 0.3), 0.9)] if picture.width > 500 else []


def test_a_text_in_a_picture_has_a_box_and_no_score(index, tmp_path, monkeypatch):
    with cosmos_search.open(tmp_path / "index") as library:
        library.add(link_photos(tmp_path / "photos", ("chelsea.png", "coffee.png")), regions="none")
        assert library.read_texts(reader=SignReader()).n_lines == 1
    monkeypatch.setenv("COSMOS_SEARCH_INDEX", str(tmp_path / "index"))
    client = TestClient(Starlette(routes=make_routes(is_local=False)))
    search = {"query": "exit 12", "all": 1}
    card = client.get("/page/cards", params=search | {"start": 0, "n": 1}).json()[0]
    details = client.get(f"/page/pictures/{card['id']}/details", params=search).json()
    for parts in (card["parts"], details["parts"]):
        sign, _ = parts  # the text first, because it gives most of the score
        assert (card["name"], sign["text"], sign["is_text"]) == ("coffee.png", "text in the picture: 'EXIT 12'", True)
        assert (sign["box"], sign["score_text"]) == ([0.1, 0.2, 0.5, 0.3], "")
    assert len(client.get(f"/page/pictures/{card['id']}/boxes", params=search).json()) == 1  # of the sentence


def test_a_heat_map_is_a_small_png(client, pictures):
    answer = get(client, pictures["coffee.png"], "heat", text=CUP)
    assert answer.headers["content-type"] == "image/png"
    assert len(Image.open(io.BytesIO(answer.content)).getcolors(96 * 96)) > 100
    assert get(client, pictures["coffee.png"], "heat").status_code == 400


def test_pictures_are_put_into_albums_and_taken_out(client, pictures):
    coffee = pictures["coffee.png"]

    def change(**body):
        return client.post(f"/page/pictures/{coffee.id}/albums", content=json.dumps(body)).status_code

    def albums():
        return {album["name"]: album["has"] for album in get(client, coffee, "details").json()["albums"]}

    assert change(name=FAVOURITES, is_in=True) == 200
    assert change(name="Cups", is_in=True) == 200
    assert albums() == {FAVOURITES: True, "Cups": True}
    assert change(name=FAVOURITES, is_in=False) == 200
    assert albums() == {FAVOURITES: False, "Cups": True}
    for body in ({"name": "", "is_in": True}, {"name": 1, "is_in": True}, {"name": "x"}, {}):
        assert change(**body) == 400
    for content in ("[]", "{", "x" * 100_000):
        assert client.post(f"/page/pictures/{coffee.id}/albums", content=content).status_code == 400
    assert client.post("/page/pictures/99/albums", content='{"name": "x", "is_in": true}').status_code == 410


def test_an_album_is_a_filter_of_the_results(client, pictures):
    client.post(f"/page/pictures/{pictures['coffee.png'].id}/albums", content='{"name": "Cups", "is_in": true}')
    album = next(
        album["id"] for album in get(client, pictures["coffee.png"], "details").json()["albums"] if album["has"]
    )
    for search in ({}, {"query": CUP, "all": 1}):
        assert client.get("/page/outline", params={"album": album, **search}).json()["ids"] == [
            pictures["coffee.png"].id
        ]


def test_the_folder_is_not_opened_for_visitors_of_another_machine(client, pictures):
    assert client.post(f"/page/pictures/{pictures['coffee.png'].id}/folder").status_code == 403


def test_names_of_the_collection_are_suggested_with_their_filters(client, pictures):
    found = {text: (kind, changes) for text, kind, changes in client.get("/page/suggestions").json()}
    folder = pictures["coffee.png"].paths[0].parent
    text = f"folder: {'/'.join(folder.parts[-2:])}"
    assert found[text] == (f"{len(pictures)} pictures", {"folder": str(folder)})


def test_scripts_are_sent_once(client):
    answer = client.get("/scripts/grid.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    again = client.get("/scripts/grid.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("land.json", "components.py", "..%2f..%2fapp.py", "none.js"):
        assert client.get(f"/scripts/{name}").status_code == 404
