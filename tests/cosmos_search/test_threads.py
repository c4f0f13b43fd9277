"""One library used by many threads."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest

import cosmos_search
from cosmos_search.library import Library
from cosmos_search.retrieval.query import parse_query
from cosmos_search.retrieval.search import search
from indexer.ingest.update import remove, update
from indexer.store.index import Index
from tests.colour import COLOURS, ColourEncoder, paint, paint_photos
from tests.results import names

N_THREADS = 6


@pytest.fixture
def photos(tmp_path):
    return paint_photos(tmp_path / "photos")


def at_once(work, n=N_THREADS):
    """What `work` returns or raises in n threads that begin together."""
    start = threading.Barrier(n, timeout=30)

    def run(number):
        start.wait()
        return work(number)

    with ThreadPoolExecutor(n) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, i) for i in range(n)]]


def test_first_searches_at_once_load_one_encoder_and_open_one_index(place, photos):
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(photos)
    loaded = []

    def load(name):
        loaded.append(name)
        threading.Event().wait(0.05)  # long enough for the others to come
        return ColourEncoder()

    with Library(place, None, load) as library:
        found = at_once(lambda i: names(library.search("red", top=1)))
        assert found == [["red.png"]] * N_THREADS
    assert loaded == ["colour"]


def test_many_threads_are_inside_a_snapshot_at_once(place, photos):
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(photos)
    inside = threading.Barrier(N_THREADS, timeout=30)
    with closing(Index.open(place)) as index:

        def look(number):
            with index.snapshot() as snapshot:
                inside.wait()  # breaks unless all are inside
                return snapshot.n_rows

        assert len(set(at_once(look))) == 1


class CompactIndex(Index):
    exact_rows = 20


@pytest.mark.parametrize("kind", [Index, CompactIndex])
def test_searches_beside_runs_that_add_and_remove_see_whole_states(tmp_path, photos, kind, place):
    """With exact and with compact vectors: FAISS must never change what somebody searches."""
    extra = tmp_path / "extra"
    known = {f"{colour}.png" for colour in COLOURS}
    is_over = threading.Event()
    encoder = ColourEncoder()
    with closing(kind.create(place)) as index:
        update(index, encoder, [photos])

        def look(number):
            n = 0
            while not is_over.is_set() or not n:
                hits = search(index, encoder, parse_query(COLOURS[number]), top=3)
                assert hits[0].path.name == f"{COLOURS[number]}.png" or hits[0].path.parent == extra
                assert {hit.path.name for hit in hits if hit.path.parent == photos} <= known
                assert all(np.isfinite(hit.score) for hit in hits)
                n += 1
            return n

        def change():
            for turn in range(6):
                for i in range(10):
                    paint(extra / f"{turn}-{i}.png", "gold", seed=100 * turn + i)
                update(index, encoder, [extra])
                remove(index, extra)
                for path in extra.iterdir():
                    path.unlink()

        with ThreadPoolExecutor(N_THREADS) as pool:
            searches = [pool.submit(look, i) for i in range(N_THREADS - 1)]
            try:
                change()
            finally:
                is_over.set()
            assert all(future.result(timeout=60) for future in searches)
        with index.reading() as catalog:
            assert catalog.n_pictures() == 8
