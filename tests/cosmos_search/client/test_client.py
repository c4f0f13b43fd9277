"""Programs and commands ask a running server, and search by themselves without one."""

import json
import logging
import os
import shlex
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from select import select
from threading import Thread

import pytest

pytest.importorskip("fastapi")

import cosmos_search
from cosmos_search.client.ask import ask_server
from cosmos_search.client.client import MAX_ANSWER_BYTES
from cosmos_search.client.server_file import write_address
from cosmos_search.client.wire import Answer
from cosmos_search.server.service import Service
from indexer.errors import UsageError
from indexer.pictures.regions import Box
from indexer.store.errors import StorageError
from indexer.store.filter_record import Filters
from tests import ROOT
from tests.colour import ColourEncoder, paint, paint_photos
from tests.serving import TOKEN, serving

# Its process may not import what a search without a server needs.
COMMAND = """
import sys
from cosmos_search.cli.main import main
try:
    main(sys.argv[2:])
finally:
    heavy = ("numpy", "sqlalchemy", "onnxruntime", "PIL", "faiss", "fastapi", "pydantic", "importlib.metadata",
             "cosmos_search.library", "cosmos_search.cli.evaluate", "cosmos_search.cli.models", "indexer.pictures.walk")
    loaded = [name for name in heavy if name in sys.modules]
    print(loaded, file=open(sys.argv[1], "w"))
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "index"


@pytest.fixture
def library(place, tmp_path):
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(paint_photos(tmp_path / "photos"))
        yield library


@pytest.fixture
def caller(library, place):
    """A server that other processes find: its process is said to be the parent of this one."""
    with serving(Service(library)) as caller:
        write_address(place, caller.address(os.getppid()))
        yield caller


def run(tmp_path, *words, **variables):
    """The finished command, and the heavy modules that it loaded."""
    command = [sys.executable, "-c", COMMAND, str(tmp_path / "loaded"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, env=os.environ | variables)
    return done, (tmp_path / "loaded").read_text().strip()


def test_a_command_asks_the_server_and_loads_nothing_heavy(caller, library, place, tmp_path):
    """It could not load the encoder of this index, either."""
    found, loaded = run(tmp_path, "search", "a red", "-n", 3, "--all", "--index", place, "--json")
    hits = library.search("a red", 3, include_unlikely=True)
    assert [json.loads(line) for line in found.stdout.splitlines()] == [hit.to_dict() for hit in hits], found.stderr
    assert loaded == "[]"
    example = tmp_path / "photos" / "blue.png"
    found, loaded = run(
        tmp_path, "search", "--similar-to", example, "--box", "0,0,1,0.5", "--all", "-n", 1, "--index", place
    )
    assert ("picture" in found.stdout, "blue.png" in found.stdout, loaded) == (True, False, "[]"), found.stderr
    wrong, _ = run(tmp_path, "search", '+"', "--index", place)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "^" in wrong.stderr  # the mark below the position
    assert wrong.stderr.count("This quote is not closed") == 1
    few, _ = run(tmp_path, "search", "a red", "--camera", "none", "--index", place)
    assert "0 of 8 pictures pass --camera none" in few.stderr


def test_a_server_is_named_by_its_url_too(caller, tmp_path):
    url = f"http://127.0.0.1:{caller.port}"
    words = ("search", "a red", "-n", 1, "--server", url, "--index", tmp_path / "elsewhere")
    found, loaded = run(tmp_path, *words, COSMOS_SEARCH_TOKEN=TOKEN)
    assert ("red.png" in found.stdout, loaded) == (True, "[]"), found.stderr
    refused, _ = run(tmp_path, *words)
    assert (refused.returncode, "token" in refused.stderr) == (1, True)
    few, _ = run(tmp_path, *words, "--camera", "none", COSMOS_SEARCH_TOKEN=TOKEN)
    assert "0 of 8 pictures pass --camera none" in few.stderr
    gone, _ = run(tmp_path, "search", "a red", "--server", "http://127.0.0.1:9")
    assert (gone.returncode, "cosmos-search serve" in gone.stderr) == (1, True)
    wrong, _ = run(tmp_path, "search", "a red", "--server", "ftp://x")
    assert wrong.returncode == 2
    named, _ = run(tmp_path, "search", "a red", "--server", f"http://me:secret@127.0.0.1:{caller.port}")
    assert (named.returncode, "secret" in named.stderr, "COSMOS_SEARCH_TOKEN" in named.stderr) == (2, False, True)


def test_commands_in_hints_ask_the_same_server(caller, library, tmp_path):
    for i in range(7):
        paint(tmp_path / "photos" / f"folder {i}" / "x.png", "red", seed=i + 50)
    library.add()
    server = ("--server", f"http://127.0.0.1:{caller.port}")
    token = {"COSMOS_SEARCH_TOKEN": TOKEN}
    few, _ = run(tmp_path, "search", "a red", "--folder", "none", "--index", tmp_path / "elsewhere", *server, **token)
    command = shlex.split(few.stderr.partition(" more: ")[2])
    assert command == ["cosmos-search", "facets", "--index", str(tmp_path / "elsewhere"), *server]
    listed, _ = run(tmp_path, *command[1:], "--json", **token)
    assert json.loads(listed.stdout) == json.loads(json.dumps({"pictures": 15} | library.facets().to_dict()))
    unread, _ = run(tmp_path, "search", "a red text:exit", *server, **token)
    assert unread.stderr.endswith("To read it on the machine of the server: cosmos-search index --text\n")


def test_without_the_server_the_command_searches_by_itself(library, place, tmp_path):
    with serving(Service(library)) as caller:
        address = caller.address(os.getppid())
    write_address(place, address)  # it has ended
    alone, loaded = run(tmp_path, "search", "a red", "--index", place)
    assert (alone.returncode, "colour" in alone.stderr) == (2, True)  # there is no such encoder to load
    assert loaded != "[]"


def test_a_box_without_an_example_is_refused_and_not_ignored(caller, library):
    for searched in (library, cosmos_search.Client(f"http://127.0.0.1:{caller.port}", TOKEN)):
        with pytest.raises(UsageError, match="A box is a part of an example picture"):
            searched.search("a red", box=Box(0, 0, 0.5, 0.5))


def test_the_client_has_the_methods_of_a_library(caller, library):
    client = cosmos_search.Client(f"http://127.0.0.1:{caller.port}/", TOKEN)
    assert client.search("a red", 3).hits == library.search("a red", 3)
    assert client.browse(start=2, n=3) == library.browse(start=2, n=3)
    assert client.n_matching() == 8
    assert client.n_matching(Filters(folder="no\udcffwhere")) == 0
    assert client.n_matching(Filters(texts=("red", "png"))) == 1
    assert client.n_matching(Filters(without_texts=("red",))) == 7
    assert client.search("a red", filters=Filters(texts=("blue",))).hits == library.search(
        "a red", filters=Filters(texts=("blue",))
    )
    for text, n in (("text:red", 1), ("a red -text:red", 7), ('a red + text:"red png"', 1)):
        hits = client.search(text, 9).hits
        assert (hits, len(hits)) == (library.search(text, 9), n)
    chosen = [picture.id for picture in library.browse(n=2)]
    album = library.add_to_album("Best", chosen)
    assert [one.id for one in client.browse(Filters(album=album))] == chosen
    assert client.n_matching(Filters(album=album + 1)) == 0
    found = client.search("a red", filters=Filters(album=album), include_unlikely=True).hits
    assert {hit.picture.id for hit in found} == set(chosen)
    assert client.albums() == library.albums() != []
    assert client.facets(Filters(album=album)) == library.facets(Filters(album=album))
    with pytest.raises(cosmos_search.UsageError):
        client.search("+")
    with pytest.raises(cosmos_search.ExampleImageError):
        client.search(similar_to="no/such/file.png")
    with pytest.raises(cosmos_search.NoServerError):
        cosmos_search.Client(f"http://127.0.0.1:{caller.port}", "wrong").n_matching()


@contextmanager
def answering(*parts, pause_s=0.02):
    """The address of a program that sends these bytes to its first client, with a pause after each part."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            client, _ = listener.accept()
            with client, suppress(ConnectionError):
                for part in parts:
                    client.sendall(part)
                    if select([client], [], [], pause_s)[0] and not client.recv(1 << 16):
                        return

        thread = Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        [HEAD, b"X: ", *[b"x"] * 1000],
        [HEAD, b"Content-Length: 1000000\r\n\r\n", *[b" "] * 1000],
        [HEAD, b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\n \r\n"] * 1000],
        [b"HTTP/1.1 100 Continue\r\n\r\n"] * 1000,
    ],
)
def test_a_server_that_sends_byte_by_byte_is_given_up_after_the_time_of_a_call(parts):
    with answering(*parts) as url, pytest.raises(cosmos_search.NoServerError) as caught:
        cosmos_search.Client(url, timeout_s=0.3).n_matching()
    assert str(caught.value) == f"There is no search server at {url} (there was no complete answer within 0.3 s)."


def test_an_answer_without_end_is_given_up_at_its_largest_size():
    many = [b" " * (1 << 20)] * ((MAX_ANSWER_BYTES >> 20) + 1)
    with answering(HEAD + b"\r\n", *many, pause_s=0) as url, pytest.raises(cosmos_search.NoServerError, match="larger"):
        cosmos_search.Client(url).n_matching()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"n_matching": []}', b"\xff", b"[" * 100_000, b"<html>"])
@pytest.mark.parametrize("head", [HEAD, b"HTTP/1.1 302 Found\r\n", b"HTTP/1.1 503 Busy\r\n", b"SSH-2.0\r\n"])
def test_another_program_is_told_apart_from_a_server(head, content):
    with answering(head + b"\r\n" + content) as url, pytest.raises(cosmos_search.NoServerError) as caught:
        cosmos_search.Client(url).n_matching()
    assert str(caught.value).startswith(f"There is no search server at {url} (")


def test_mistakes_in_the_arguments_are_left_to_the_search_without_a_server(caller, place, caplog):
    """It says them, so that they are not said twice."""
    caplog.set_level(logging.INFO, "cosmos_search")
    for text, options in (("", {}), ("+", {}), ("a red", {"similar_to": "none.png"})):
        assert ask_server(place, text, 3, **options) is None
    assert ask_server(place, "a red", -1) is None
    assert [record.name for record in caplog.records if record.name.startswith("cosmos_search.client")] == []


def test_troubles_of_the_server_of_a_directory_are_left_to_a_search_without_it(library, place):
    def answer(search):
        raise StorageError("The disk fails.")

    with serving(Service(library, answer)) as caller:
        write_address(place, caller.address(os.getppid()))
        assert ask_server(place, "a red", 3) is None
        assert ask_server(place, "a red", 20_000) is None  # more than a server gives
        with pytest.raises(cosmos_search.ServiceError, match="The disk fails"):
            cosmos_search.Client(f"http://127.0.0.1:{caller.port}", TOKEN).search("a red")


def test_the_library_of_an_index_on_a_server_asks_the_service(server_place, tmp_path, monkeypatch, caplog):
    """It could not load the encoder, so only the service can have answered. What is missing is logged."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    photos = paint_photos(tmp_path / "photos")
    with cosmos_search.open(server_place, encoder=ColourEncoder()) as library:
        library.add(photos)
        expected = library.search("a red", 3)
        warning = cosmos_search.MissingShardsError((1,), 4)
        with serving(Service(library, lambda search: Answer(expected, warning))) as caller:
            write_address(server_place, caller.address(os.getppid()))
            with cosmos_search.open(server_place) as other:
                assert other.search("a red", 3) == expected
                others = [hit.picture for hit in expected if hit.picture.paths[0].stem != "red"]
                assert [hit.picture for hit in other.search(similar_to=photos / "red.png")] == others
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [str(warning)] * 2
