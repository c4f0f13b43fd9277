"""The order of the pictures that a search finds."""

from contextlib import closing

import pytest

import cosmos_search
from cosmos_search.retrieval.encode import encode
from cosmos_search.retrieval.query import parse_query
from cosmos_search.retrieval.rank import rank
from indexer.store.index import Index
from tests.colour import ColourEncoder, paint


@pytest.fixture
def library(tmp_path):
    """Eight red pictures of different sizes, which have equal vectors, and a blue one."""
    for side in range(16, 24):
        paint(tmp_path / "photos" / f"red-{side}.png", "red", (side, side))
    paint(tmp_path / "photos" / "blue.png", "blue")
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        library.add(tmp_path / "photos", regions="none")
        yield library


def test_equal_scores_are_in_the_order_of_their_fingerprints(library):
    hits = library.search("red", 9, include_unlikely=True)
    assert len({hit.score for hit in hits[:8]}) == 1
    assert hits[8].path.stem == "blue"
    fingerprints = [hit.picture.fingerprint for hit in hits[:8]]
    assert fingerprints == sorted(fingerprints)


def test_of_equal_scores_the_first_fingerprints_are_chosen(library):
    ids = [hit.picture.id for hit in library.search("red", 9)]
    for top in (1, 3, 7):
        assert [hit.picture.id for hit in library.search("red", top)] == ids[:top]


def test_pictures_below_the_floor_are_left_out_and_no_others(library):
    encoded = encode(ColourEncoder(), parse_query("red"))
    with closing(Index.open(library.place)) as index, index.snapshot() as snapshot:
        every = rank(snapshot, encoded, 9)
        red, blue = every[7].score, every[8].score
        assert rank(snapshot, encoded, 9, floor=red) == every[:8]
        assert rank(snapshot, encoded, 3, floor=red) == every[:3]
        assert rank(snapshot, encoded, 9, floor=blue) == every
        assert rank(snapshot, encoded, 9, floor=red + 0.01) == []
