from itertools import pairwise
from math import hypot
from zlib import crc32

import numpy as np
import pytest

import cosmos_search
from cosmos_search.explore.embedding_map import draw_atlas, read_everyday_words
from indexer.errors import CosmosSearchError
from indexer.store.index import Index
from tests.colour import COLOURS, ColourEncoder, paint


class WordEncoder(ColourEncoder):
    """Every word is some colour."""

    def encode_texts(self, texts):
        rows = np.array([np.random.default_rng(crc32(text.encode())).random(4) for text in texts], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def paints(tmp_path):
    """A library of `n` pictures of each of these colours."""

    def paints(n, colours=COLOURS):
        for colour in colours:
            for i in range(n):
                paint(tmp_path / "photos" / f"{colour}-{i}.png", colour, seed=i)
        library = cosmos_search.open(tmp_path / "index", encoder=ColourEncoder())
        library.add(tmp_path / "photos")
        return library

    return paints


def colour_of(library, point):
    return library.picture(point.id).paths[0].stem.split("-")[0]


def test_like_pictures_are_neighbours_and_their_region_is_named_after_them(paints):
    colours = COLOURS[:6]
    with paints(6, colours) as library:
        atlas = library.atlas(colours)
        assert len(atlas.points) == atlas.n_pictures == 36
        assert len({c.name for c in atlas.clusters}) == len(atlas.clusters) == 6
        for point in atlas.points:
            nearest = sorted(atlas.points, key=lambda p: (p.x - point.x) ** 2 + (p.y - point.y) ** 2)[:4]
            assert {colour_of(library, p) for p in nearest} == {colour_of(library, point)}
            assert atlas.clusters[point.cluster].name == colour_of(library, point)


@pytest.mark.parametrize(("n", "n_clusters"), [(1, 1), (2, 1), (3, 1), (5, 2), (26, 8)])
def test_a_small_collection_has_a_map_too(paints, n, n_clusters):
    with paints(-(-n // 8), COLOURS[:n]) as library:
        atlas = library.atlas(COLOURS, max_points=n)
    assert len(atlas.points) == n
    assert sum(c.n for c in atlas.clusters) == n
    assert 1 <= len(atlas.clusters) <= n_clusters
    assert all(0 <= p.x <= 1 and 0 <= p.y <= 1 for p in atlas.points)
    assert [c.n for c in atlas.clusters] == sorted((c.n for c in atlas.clusters), reverse=True)
    assert {(c.x, c.y) for c in atlas.clusters} <= {(p.x, p.y) for p in atlas.points}


def test_a_large_collection_is_shown_by_an_even_choice_of_it(paints):
    with paints(5) as library:
        atlas = library.atlas(COLOURS, max_points=8)
        assert atlas.n_pictures == 40
        ids = [p.id for p in atlas.points]
    assert len(set(ids)) == 8
    assert max(b - a for a, b in pairwise(ids)) <= 8  # golden ratio: 3, 5 or 8


def test_pictures_that_look_all_the_same_have_a_map(tmp_path):
    for i in range(7):
        paint(tmp_path / "photos" / f"{i}.png", "red", size=(16 + i, 16))
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        library.add(tmp_path / "photos")
        atlas = library.atlas(["red"])
    assert [(c.name, c.n) for c in atlas.clusters] == [("red", 7)]
    assert all(0 <= p.x <= 1 and 0 <= p.y <= 1 for p in atlas.points)


def test_the_map_is_the_same_every_time(paints):
    with paints(3) as library:
        assert library.atlas(COLOURS) == library.atlas(COLOURS)


def test_the_words_at_hand_are_many_and_each_there_once():
    words = read_everyday_words()
    assert len(words) == len(set(words)) > 300
    assert all(word == word.strip() != "" for word in words)


def test_an_index_that_is_empty_or_of_another_encoder_has_no_map(paints, tmp_path):
    (tmp_path / "photos").mkdir()
    with paints(0) as library, pytest.raises(CosmosSearchError, match="holds no pictures"):
        library.atlas(COLOURS)
    paints(1).close()
    other = cosmos_search.open(tmp_path / "index", encoder=ColourEncoder("other"))
    with other, pytest.raises(CosmosSearchError, match="made with colour, not with other"):
        other.atlas(COLOURS)


def test_pictures_that_are_added_get_a_place_and_no_other_moves(paints, tmp_path):
    with paints(4) as library:
        before = library.atlas(COLOURS)
    paint(tmp_path / "photos" / "red-new.png", "red", seed=99)
    (tmp_path / "photos" / "blue-0.png").unlink()
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        library.add(forget_missing=True)
        after = library.atlas(COLOURS)
        assert colour_of(library, after.points[-1]) == "red"
        nearest = min(after.points[:-1], key=lambda p: hypot(p.x - after.points[-1].x, p.y - after.points[-1].y))
        assert colour_of(library, nearest) == "red"
    positions = {p.id: (p.x, p.y) for p in before.points}
    kept = [p for p in after.points if p.id in positions]
    assert len(kept) == len(before.points) - 1
    assert all((p.x, p.y) == positions[p.id] for p in kept)


def test_the_second_map_is_read_and_needs_no_encoder(paints, tmp_path):
    paints(4).close()
    index = Index.open(tmp_path / "index")
    loaded = []

    def load():
        loaded.append(True)
        return WordEncoder()

    first = draw_atlas(index, load)
    n_loaded = len(loaded)
    assert draw_atlas(index, load) == first
    assert len(loaded) == n_loaded > 0
    index.close()


def test_a_collection_that_has_doubled_gets_a_new_layout(paints, tmp_path):
    with paints(2) as library:
        before = {p.id: (p.x, p.y) for p in library.atlas(COLOURS).points}
    with paints(5) as library:
        after = {p.id: (p.x, p.y) for p in library.atlas(COLOURS).points}
    assert before.keys() < after.keys()
    assert any(after[id_] != place for id_, place in before.items())


@pytest.mark.parametrize("content", [b"", b"no map", b"PK\x03\x04 cut"])
def test_a_damaged_file_is_replaced(paints, tmp_path, content):
    with paints(2) as library:
        first = library.atlas(COLOURS)
        (path,) = (tmp_path / "index").glob("map-*.npz")
        path.write_bytes(content)
        assert library.atlas(COLOURS) == first
        assert path.stat().st_size > 1000


def test_the_map_of_an_index_that_cannot_be_written_is_drawn(paints, tmp_path):
    with paints(2) as library:
        first = library.atlas(COLOURS)
        (path,) = (tmp_path / "index").glob("map-*.npz")
        path.unlink()
        path.mkdir()
        (path / "file").touch()
        assert library.atlas(COLOURS) == first
