"""An index that an earlier version of the built-in encoder made: it had the same name and no trained weights."""

import json
from threading import Event

import pytest

import cosmos_search
from cosmos_search.encoders.mini.encoder import MiniEncoder
from tests.colour import COLOURS, paint_photos
from tests.cosmos_search.cli.test_main import run

SENTENCE = "This index was made with another version of cosmos-mini."
ADVICE = "Bring it up to date, embedding every picture again: cosmos-search index --rebuild"


def open_earlier(place):
    return cosmos_search.open(place, encoder=MiniEncoder(trained=None, name="cosmos-mini"))


@pytest.fixture
def place(tmp_path):
    with open_earlier(tmp_path / "index") as library:
        library.add(paint_photos(tmp_path / "photos", COLOURS))
        assert not library.info().needs_rebuild
    return tmp_path / "index"


@pytest.mark.parametrize("words", [["search", "red"], ["index"]])
def test_it_is_refused_with_the_command_that_rebuilds_it(place, words):
    done = run(*words, "--index", place)
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", f"Error: {SENTENCE} {ADVICE} --index {place}\n")


def test_info_says_so(place):
    assert f"{SENTENCE} {ADVICE} --index {place}" in run("info", "--index", place).stdout.splitlines()
    assert json.loads(run("info", "--index", place, "--json").stdout)["needs_rebuild"]


def test_a_rebuild_embeds_every_picture_again_and_then_a_search_finds_them(place):
    rebuilt = json.loads(run("index", "--rebuild", "--index", place, "--json").stdout)
    assert (rebuilt["updated"], rebuilt["failed"]) == (len(COLOURS), [])
    found = run("search", "a red wall", "--all", "-n", "3", "--index", place, "--json")
    assert len(found.stdout.splitlines()) == 3, found.output
    assert SENTENCE not in run("info", "--index", place).stdout
    assert not json.loads(run("info", "--index", place, "--json").stdout)["needs_rebuild"]


def test_the_old_vectors_serve_until_the_rebuild_is_complete(place):
    stop = Event()

    def stop_at_once(report):
        if report.updated:
            stop.set()

    with cosmos_search.open(place) as library, open_earlier(place) as earlier:
        before = [hit.path for hit in earlier.search("red", include_unlikely=True)]
        report = library.add(rebuild=True, on_progress=stop_at_once, stop=stop)
        assert report.is_stopped
        assert library.info().needs_rebuild
        assert [hit.path for hit in earlier.search("red", include_unlikely=True)] == before
        assert not library.add(rebuild=True).is_stopped
        assert not library.info().needs_rebuild
        assert library.search("red", include_unlikely=True)


def test_an_index_of_the_encoder_without_trained_weights_stays_valid(place, tmp_path):
    """The same vectors under its new name."""
    run("index", tmp_path / "photos", "--model", "cosmos-mini-conse", "--index", tmp_path / "other")
    with cosmos_search.open(tmp_path / "other") as library, open_earlier(place) as earlier:
        assert library.info().encoder.name == library.encoder.name == "cosmos-mini-conse"
        assert library.info().encoder.version == earlier.info().encoder.version
        assert [(hit.path, hit.score) for hit in library.search("red", include_unlikely=True)] == [
            (hit.path, hit.score) for hit in earlier.search("red", include_unlikely=True)
        ]
