"""Searches, answers and addresses survive their JSON without loss."""

import json
import os
from dataclasses import fields
from inspect import signature

import pytest

import cosmos_search
from cosmos_search.client.server_file import ServerAddress, find_server, remove_address, write_address
from cosmos_search.client.wire import Answer, answer_to_dict, filters_to_dict, parse_answer
from indexer.pictures.regions import Box
from indexer.places import ServerPlace
from indexer.store.filter_record import Filters, Near
from indexer.store.records import TextLine
from tests.colour import ColourEncoder, paint, paint_photos

FILTERS = {
    "none": Filters(),
    "date": Filters(after=cosmos_search.parse_date("2020"), before=cosmos_search.parse_date("2024-06-30T18:00:01.5")),
    "texts": Filters(folder="é\udcff", directory="/a b", camera="X 100", orientation="square"),
    "words": Filters(texts=("exit 12", "é\udcff"), without_texts=("draft",)),
    "album": Filters(album=0),
    "numbers": Filters(near=Near(-1e-7, 179.99999999999997, 0.1 + 0.2), min_pixels=7),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters_survive_as_texts(name):
    texts = json.loads(json.dumps(filters_to_dict(FILTERS[name])))
    assert cosmos_search.parse_filters(**texts) == FILTERS[name]


def test_every_filter_is_sent_and_accepted():
    """A filter that was left out would find too much without a word."""
    sent = {
        field.name
        for field in fields(Filters)
        if any(getattr(f, field.name) not in (None, ()) for f in FILTERS.values())
    }
    assert sent == {field.name for field in fields(Filters)}
    schemas = pytest.importorskip("cosmos_search.server.request_schemas")
    assert schemas.FilterTexts.model_fields.keys() == signature(cosmos_search.parse_filters).parameters.keys()


def test_answers_survive_without_loss(tmp_path):
    photos = paint_photos(tmp_path / "photos")
    paint(photos / "dated.png", "orange").rename(photos / os.fsdecode(b"not-utf8-\xff.png"))
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        library.add(photos)
        with library._opened.open().writing() as catalog:
            lines = [TextLine("picture", "A blue sign", Box(0.1, 0.2, 0.3, 0.4), 0.987654321)]
            catalog.put_lines("reader 1", {one.id: lines for one in library.browse()[:1]})
        hits = library.search("blue", 9, similar_to=photos / "red.png", include_unlikely=True)
    assert {line.kind for hit in hits for line in hit.texts} == {"picture", "file"}
    answer = Answer(hits, cosmos_search.MissingShardsError((1, 3), 8), "A note.")
    again = parse_answer(json.loads(json.dumps(answer_to_dict(answer))))
    assert (again.hits, again.note, str(again.warning)) == (hits, answer.note, str(answer.warning))
    assert parse_answer(answer_to_dict(answer, offset=7)).hits == hits[7:]


@pytest.mark.parametrize("place", ["index", ServerPlace("postgresql://me:secret@host/photos")])
def test_the_address_of_a_server_is_readable_by_its_user_alone(place, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    place = tmp_path / place if isinstance(place, str) else place
    other = os.getppid()  # a process that runs
    address = ServerAddress("::1", 8502, "a token", other)
    assert find_server(place) is None
    path = write_address(place, address)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert find_server(place) == address
    assert address.url == "http://[::1]:8502"
    remove_address(place, ServerAddress("::1", 1, "a token", other))  # of another server
    assert find_server(place) == address
    remove_address(place, address)
    assert find_server(place) is None
    for pid in (os.getpid(), 2**22 + 1, 0, -1, 10**30):  # this process, and such as do not run
        write_address(place, ServerAddress("::1", 8502, "a token", pid))
        assert find_server(place) is None
    for text in ('{"host": 1}', "[]", "", "[" * 5000):
        path.write_text(text)
        assert find_server(place) is None


def test_an_index_has_one_server_file_whatever_path_leads_to_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "index").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "index")
    address = ServerAddress("127.0.0.1", 1, "a token", os.getppid())
    write_address(tmp_path / "index", address)
    assert find_server(tmp_path / "link") == address
    assert find_server(tmp_path) is None
