"""The HTTP interface of the shards, and the searches that find it."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from http.client import HTTPConnection
from threading import Thread

import pytest

import cosmos_search
from cluster.service_file import ServiceAddress, read_address, remove_address, write_address
from cluster.wire import Answer, Search, decode_answer, decode_search, encode_answer, encode_search
from cosmos_search.retrieval.example_image import read_example_image
from indexer.errors import UsageError
from indexer.store.filter_record import Filters, Near
from tests import ROOT
from tests.cluster.test_search import start
from tests.colour import ColourEncoder, paint, paint_photos

TOKEN = "a token of some length"
FILTERS = Filters(after=cosmos_search.parse_date("2020"), folder="é\udcff", near=Near(48.0, 11.0, 5.0), min_pixels=7)


def make_library(place, folder):
    photos = paint_photos(folder / "photos")
    paint(photos / "dated.png", "orange").rename(photos / os.fsdecode(b"not-utf8-\xff.png"))
    library = cosmos_search.open(place, encoder=ColourEncoder())
    library.add(photos)
    return library


def test_searches_and_answers_survive_json_without_loss(tmp_path):
    paint(tmp_path / "red.png", "red", (40, 20), seed=1)
    example = read_example_image(tmp_path / "red.png", cosmos_search.Box(0.5, 0.0, 1.0, 1.0))
    sent = Search("a dog", 3, example, FILTERS, True)
    received = decode_search(encode_search(sent))
    assert (received.text, received.top, received.filters, received.include_unlikely) == ("a dog", 3, FILTERS, True)
    assert received.example.picture.tobytes() == example.picture.crop((20, 0, 40, 20)).tobytes()
    with make_library(tmp_path / "index", tmp_path) as library:
        warning = cosmos_search.MissingShardsError((1, 3), 8)
        answer = Answer(library.search("red", 9, include_unlikely=True), warning)
    again = decode_answer(encode_answer(answer))
    assert again.hits == answer.hits
    assert str(again.warning) == str(warning)
    assert decode_search(b"{}") == Search(filters=Filters())


@pytest.mark.parametrize(
    "body",
    ["", "[]", "1", '{"text": 1}', '{"top": "5"}', '{"top": true}', '{"filters": {"near": 1}}', '{"image": "x"}',
     '{"image": "AAAA"}', '{"filters": {"no": 1}}', '{"filters": {"after": 5}}', '{"filters": {"orientation": "up"}}',
     "[" * 100_000],
)  # fmt: skip
def test_a_search_that_is_not_valid_is_a_usage_error(body):
    with pytest.raises(UsageError):
        decode_search(body.encode())


def test_the_address_of_a_service_is_readable_by_its_user_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    address = ServiceAddress("127.0.0.1", 8502, TOKEN)
    assert read_address((7,)) is None
    path = write_address((7,), address)
    assert path.stat().st_mode & 0o077 == 0
    assert read_address((7,)) == address
    remove_address((7,), ServiceAddress("127.0.0.1", 1, TOKEN))  # of another service
    assert read_address((7,)) == address
    remove_address((7,), address)
    assert read_address((7,)) is None
    path.write_text('{"host": 1}')
    assert read_address((7,)) is None


@contextmanager
def serving(answer):
    """The service in a thread; yields its address."""
    import uvicorn

    from cluster.cli import _listen
    from cluster.service import make_app

    listener = _listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(make_app(answer, TOKEN), log_level="critical", lifespan="off"))
    thread = Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield ServiceAddress("127.0.0.1", listener.getsockname()[1], TOKEN)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def post(address, body, token=TOKEN, path="/v1/search"):
    connection = HTTPConnection(address.host, address.port, timeout=20)
    connection.request("POST", path, body, {"Authorization": f"Bearer {token}"})
    response = connection.getresponse()
    found = response.status, response.read()
    connection.close()
    return found


def test_the_service_wants_its_token_and_says_what_is_wrong():
    pytest.importorskip("fastapi")

    def answer(search):
        if search.text == "broken":
            raise cosmos_search.NoIndexError(ROOT)
        return Answer([])

    with serving(answer) as address:
        assert post(address, b"{}", "another token")[0] == 401
        assert post(address, b"{}") == (200, b'{"hits": []}')
        assert post(address, b"nothing")[0] == 400
        status, body = post(address, b'{"text": "broken"}')
        assert (status, json.loads(body)["error"][:20]) == (503, "There is no index at")
        assert post(address, b"{}", path="/docs")[0] == 404


def run_search(place, *words):
    code = "from cosmos_search.cli.main import main; main()"
    command = [sys.executable, "-c", code, "search", *words, "--index", place.url, "--json"]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_search_asks_the_running_service_and_finds_the_same(ray_cluster, server_place, tmp_path):
    """The command can't load the encoder of this index, so only the service can answer it."""
    from cluster.search import Searcher

    with make_library(server_place, tmp_path) as library:
        index = library._open_index()
        for shards in start(index, tmp_path / "shards", 2, 1):
            with Searcher(server_place, shards, ColourEncoder()) as searcher, serving(searcher.search) as address:
                assert searcher.search(Search("a red. a blue", 5)).hits == library.search("a red. a blue", 5)
                write_address(searcher.identity, address)
                found = run_search(server_place, "a red", "-n", "3")
                assert [json.loads(line) for line in found.stdout.splitlines()] == [
                    hit.to_dict() for hit in library.search("a red", 3)
                ], found.stderr
                like = run_search(server_place, "--similar-to", str(tmp_path / "photos" / "blue.png"), "-n", "1")
                assert json.loads(like.stdout)["path"].endswith("blue.png")
                assert run_search(server_place, '+"').returncode == 2
        alone = run_search(server_place, "a red")
        assert (alone.returncode, alone.stdout) == (2, "")
        assert "colour" in alone.stderr
