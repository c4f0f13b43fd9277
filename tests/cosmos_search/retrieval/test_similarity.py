"""Searches by an example picture: a cut-off, scores in words, and the example itself is no hit."""

import shutil

import pytest

import cosmos_search
from cosmos_search.retrieval.similarity import Levels, describe_similarity, find_levels
from tests.colour import ColourEncoder, paint_photos
from tests.demo import link_photos, make_index

LEVELS = Levels(0.65, 0.75, 0.85, 0.95)


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (0.99, "nearly the same"),
        (0.95, "nearly the same"),
        (0.9, "very similar"),
        (0.8, "similar"),
        (0.7, "somewhat similar"),
        (0.5, "hardly similar"),
    ],
)
def test_scores_are_words(score, words):
    assert describe_similarity(score, LEVELS) == words


def test_an_encoder_that_was_not_measured_has_no_cut_off(tmp_path):
    assert find_levels("colour") is None
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        library.add(paint_photos(tmp_path / "photos"))
        assert len(library.search(similar_to=tmp_path / "photos" / "red.png", top=20)) == 7


def test_the_example_itself_is_no_hit_wherever_it_is_named(tmp_path, monkeypatch):
    photos = paint_photos(tmp_path / "photos")
    shutil.copy(photos / "red.png", tmp_path / "outside.png")
    monkeypatch.chdir(photos)
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        library.add(photos)
        for example in (photos / "red.png", "red.png"):
            hits = library.search(similar_to=example, top=3)
            assert "red" not in [hit.path.stem for hit in hits]
            assert [hit.rank for hit in hits] == [1, 2, 3]
        assert library.search(similar_to=tmp_path / "outside.png")[0].path.stem == "red"


def test_unlike_pictures_are_only_shown_on_request(tmp_path):
    photos = link_photos(tmp_path / "photos")
    with cosmos_search.open(make_index(tmp_path / "index", photos)) as library:
        cut_off = find_levels(library.encoder.name).somewhat
        hits = library.search(similar_to=photos / "coffee.png")
        everything = library.search(similar_to=photos / "coffee.png", include_unlikely=True)
    assert all(hit.score >= cut_off for hit in hits)
    assert len(everything) == 4
    assert len(hits) < 4
