"""The routes answer what the library answers, in the form that OpenAPI describes."""

import io
import json
import re
from base64 import b64encode
from urllib.parse import urlencode

import pytest
from PIL import Image

from cosmos_search.client.wire import parse_answer, parse_picture
from cosmos_search.retrieval.query import parse_box
from cosmos_search.server.answer_schemas import (
    AlbumsAnswer,
    AtlasAnswer,
    DuplicatesAnswer,
    FacetsAnswer,
    FoldersAnswer,
    HealthAnswer,
    IndexAnswer,
    ModelsAnswer,
    PictureAnswer,
    PicturesAnswer,
    SearchAnswer,
)
from cosmos_search.server.request_schemas import SearchRequest
from tests.colour import paint

ANSWERS = {
    "/v1/pictures": PicturesAnswer,
    "/v1/pictures/1": PictureAnswer,
    "/v1/facets": FacetsAnswer,
    "/v1/albums": AlbumsAnswer,
    "/v1/near-duplicates": DuplicatesAnswer,
    "/v1/map": AtlasAnswer,
    "/v1/folders": FoldersAnswer,
    "/v1/models": ModelsAnswer,
    "/v1/health": HealthAnswer,
    "/v1/index": IndexAnswer,
}


def search(server, **values):
    reply = server.post("/v1/search", values)
    assert reply.status == 200, reply.json
    SearchAnswer.model_validate_json(reply.data)
    return parse_answer(reply.json).hits


def names(hits):
    return [hit.path.stem for hit in hits]


def test_a_search_finds_what_the_library_finds_to_the_last_bit(server, library, photos):
    assert search(server, text="a red. a blue", top=5) == library.search("a red. a blue", 5)
    unlikely = search(server, text="a lime", include_unlikely=True)
    assert unlikely == library.search("a lime", include_unlikely=True)
    filters = {"after": "2024-06", "near": "48.1,11.5,2km", "camera": "x1", "min_size": "4x4", "orientation": "square"}
    assert names(search(server, text="a blue", filters=filters)) == ["red"]
    assert search(server, text="a blue", filters={"before": "2024"}) == []


def test_offset_continues_a_search(server):
    hits = search(server, text="a red", top=8)
    assert search(server, text="a red", top=3, offset=2) == hits[2:5]


def test_an_example_is_the_id_of_a_picture_or_a_file(server, library, photos):
    blue = next(picture for picture in library.browse() if picture.paths[0].stem == "blue")
    expected = library.search(similar_to=photos / "blue.png", top=3)
    file = (photos / "blue.png").read_bytes()
    assert search(server, similar_to=blue.id, top=3) == expected
    assert search(server, similar_to=blue.id, top=1, offset=1) == expected[1:2]
    itself, *others = search(server, image=b64encode(file).decode(), top=4)  # of an upload nobody knows that
    assert [itself.picture, *[hit.picture for hit in others]] == [blue, *[hit.picture for hit in expected]]
    two = io.BytesIO()
    halves = Image.new("RGB", (40, 20), "red")
    halves.paste("blue", (20, 0, 40, 20))
    halves.save(two, "PNG")
    box = [0.5, 0, 1, 1]
    found = search(server, image=b64encode(two.getvalue()).decode(), box=box, text="a blue", top=2)
    assert found == library.search("a blue", 2, similar_to=halves, box=parse_box("0.5,0,1,1"))
    assert names(found)[0] == "blue"


@pytest.mark.parametrize("path", ANSWERS)
def test_the_values_of_the_records_are_those_that_openapi_describes(server, path):
    reply = server.get(path)
    assert reply.status == 200, reply.json
    ANSWERS[path].model_validate_json(reply.data)


def test_pictures_are_listed_a_page_at_a_time(server, library):
    first, second = (server.get(f"/v1/pictures?limit=5&offset={offset}").json for offset in (0, 5))
    assert [parse_picture(p) for p in first["pictures"] + second["pictures"]] == library.browse()
    assert first["n_matching"] == 8
    dated = server.get("/v1/pictures?after=2024&camera=X100").json
    assert [picture["path"].endswith("red.png") for picture in dated["pictures"]] == [True]
    assert server.get("/v1/facets").json == json.loads(json.dumps(library.facets().to_dict()))
    assert server.get("/v1/facets?camera=none").json["years"] == []
    assert server.get("/v1/pictures?taken=2024-06").json["n_matching"] == 1
    album = library.add_to_album("Red", [dated["pictures"][0]["id"]])
    assert server.get(f"/v1/pictures?album={album}").json["pictures"] == dated["pictures"]
    assert names(search(server, text="a blue", filters={"album": album}, include_unlikely=True)) == ["red"]
    assert names(search(server, text="text:red")) == ["red"]
    assert server.get("/v1/pictures?texts=re&texts=png&without_texts=green").json["n_matching"] == 1


def test_pictures_with_a_place_have_its_town(server, library):
    town = library.nearest_town(next(one for one in library.browse() if one.paths[0].stem == "red")).to_dict()
    assert (town["name"], town["country"], town["is_inside"]) == ("Munich", "Germany", True)
    pictures = server.get("/v1/pictures").json["pictures"]
    assert [(picture["path"].endswith("red.png"), picture.get("town")) for picture in pictures] == [
        (True, town),
        *[(False, None)] * 7,
    ]
    assert server.get(f"/v1/pictures/{pictures[0]['id']}").json["town"] == town
    hits = server.post("/v1/search", {"text": "a red", "top": 2}).json["hits"]
    assert [hit["picture"].get("town") for hit in hits] == [town, None]


@pytest.mark.parametrize(
    ("filters", "query", "reason"),
    [
        ({"camera": "Leica"}, "", "0 of 8 pictures pass camera=Leica; there are: X100 (1)"),
        ({"camera": "x100", "orientation": "portrait"}, "a red",
         "0 of 8 pictures pass orientation=portrait; there are: square (8)"),
        ({"taken": "2024", "texts": ["blue"]}, "a red",
         "0 of 8 pictures pass taken=2024 (1 picture passes it alone) and text:blue (1 picture passes it alone). No "
         "text in the pictures was read yet; only captions, keywords and names were searched."),
        ({}, "-text:png", "0 of 8 pictures pass -text:png."),
        ({}, 'a red text:"exit 12"',
         '0 of 8 pictures pass text:"exit 12". No text in the pictures was read yet; only captions, keywords and names '
         "were searched."),
    ],
)  # fmt: skip
def test_an_empty_answer_says_what_no_picture_passes(server, filters, query, reason):
    if query:
        answer = server.post("/v1/search", {"text": query, "filters": filters}).json
        SearchAnswer.model_validate(answer)
        assert (answer["hits"], answer["no_match"]) == ([], reason)
    if filters:
        page = server.get(f"/v1/pictures?{urlencode(filters, doseq=True)}").json
        PicturesAnswer.model_validate(page)
        assert (page["pictures"], page["no_match"]) == ([], reason)


def test_a_query_that_only_excludes_texts_lists_the_other_pictures(server, library):
    hits = search(server, text="-text:red", top=100)
    assert names(hits) == [picture.paths[0].stem for picture in library.browse() if picture.paths[0].stem != "red"]
    assert search(server, text="-text:red", top=2, offset=3) == hits[3:5]


def test_files_are_sent_while_their_content_is_the_indexed_one(server, library, photos):
    black = next(picture for picture in library.browse() if picture.paths[0].stem == "black")
    original = server.get(f"/v1/pictures/{black.id}/original")
    assert original.data == (photos / "black.png").read_bytes()
    assert original.headers["content-disposition"] == "attachment; filename*=UTF-8''black.png"
    assert original.headers["x-content-type-options"] == "nosniff"
    assert Image.open(io.BytesIO(server.get(f"/v1/pictures/{black.id}/thumbnail").data)).size == (16, 16)
    secret = paint(photos.parent / "secret.png", "black", seed=99)
    (photos / "black.png").unlink()
    (photos / "black.png").symlink_to(secret)
    gone = server.get(f"/v1/pictures/{black.id}/original")
    assert (gone.status, list(gone.json)) == (410, ["error"])
    assert server.get(f"/v1/pictures/{black.id}/thumbnail").status == 200  # made before
    assert server.get(f"/v1/pictures/{black.id}/preview").status == 410
    (photos / "black.png").unlink()
    assert server.get(f"/v1/pictures/{black.id}/thumbnail").status == 410


def test_openapi_lists_every_route_with_its_examples(server):
    api = server.get("/v1/openapi.json").json
    expected = """/v1/albums /v1/facets /v1/folders /v1/health /v1/index /v1/index/events /v1/map /v1/metrics /v1/models
    /v1/near-duplicates /v1/pictures /v1/pictures/{id} /v1/pictures/{id}/original /v1/pictures/{id}/preview
    /v1/pictures/{id}/thumbnail /v1/search"""
    assert sorted(api["paths"]) == expected.split()
    for example in api["components"]["schemas"]["SearchRequest"]["examples"]:
        SearchRequest.model_validate(example)
        if "similar_to" not in example:  # there is no picture with this id
            assert server.post("/v1/search", example | {"text": "a red"}).status == 200
    assert server.get("/docs").status == server.get("/redoc").status == 404


def test_head_has_the_headers_of_get_and_no_body(server):
    for path in ("/v1/health", "/v1/pictures", "/v1/pictures/1/original", "/v1/pictures/1/thumbnail", "/v1/no/route",
                 "/v1/index/events"):  # fmt: skip
        get, head = server.get(path), server.call("HEAD", path)
        assert (head.status, head.data) == (get.status, b"")
        names = [name for name in get.headers if name not in ("date", "x-request-id")]
        assert [head.headers[name] for name in names] == [get.headers[name] for name in names]
    wrong = server.call("HEAD", "/v1/search")
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST")
    assert server.call("PUT", "/v1/index").headers["allow"] == "DELETE, GET, HEAD, POST"


def test_invented_methods_and_paths_add_no_series_to_the_metrics(server):
    def ask(names):
        for name in names:
            server.call(name, "/v1/health")
            server.get(f"/v1/{name}")
        return read_counts(server).keys()

    read_counts(server)  # it counts itself
    assert ask(["BREW", "PUT"]) == ask([f"M{n}" for n in range(20)])


def read_counts(server):
    """The values of GET /v1/metrics by name and labels."""
    lines = server.get("/v1/metrics").data.decode().splitlines()
    assert all(re.fullmatch(r'# TYPE \w+ \w+|\w+(\{(\w+="[^"]*",?)+\})? [0-9.e+-]+', line) for line in lines)
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def test_metrics_count_requests_by_route(server):
    before = read_counts(server)
    for path in ("/v1/pictures/1", "/v1/pictures/99", "/v1/no/such/route"):
        server.get(path)
    more = {name: value - before.get(name, 0) for name, value in read_counts(server).items()}
    requests = 'cosmos_search_requests_total{method="%s",route="%s",status="%d"}'
    assert more[requests % ("GET", "/v1/pictures/{id}", 200)] == 1
    assert more[requests % ("GET", "/v1/pictures/{id}", 404)] == 1
    assert more[requests % ("any", "none", 404)] == 1
    assert more['cosmos_search_request_duration_seconds_count{route="/v1/pictures/{id}"}'] == 2
    assert more['cosmos_search_request_duration_seconds_bucket{route="/v1/pictures/{id}",le="+Inf"}'] == 2
