"""Rows, candidates and the files of an index's vectors, with made vectors instead of pictures."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from indexer.pictures.metadata_record import Metadata
from indexer.pictures.walk import FoundFile
from indexer.store.candidate_info import Bounds
from indexer.store.candidate_recall import measure_bounds
from indexer.store.candidates import CandidateIndex
from indexer.store.distinct_rows import MAX_COSINE, find_distinct_rows
from indexer.store.errors import ServerError, VectorFileError
from indexer.store.index import Index
from indexer.store.picture_rows import PictureRows, widen
from indexer.store.records import IndexedPicture, PictureFacts
from indexer.store.vector_cache import VectorCache
from indexer.store.vectors import Vectors
from tests import ROOT

DIM = 128


class SmallIndex(Index):
    """Has a candidate index from 100 rows on."""

    exact_rows = 100


def unit(shape, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((*shape, DIM)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def make_rows(n, n_rows=3, seed=0):
    """The rows of pictures 1 to n."""
    data = unit((n * n_rows,), seed).astype(np.float16)
    return PictureRows(np.arange(1, n + 1), np.arange(n) * n_rows, np.full(n, n_rows), data)


def make_candidates(rows, n_lists=8):
    index = CandidateIndex.train(rows.data.astype(np.float32), n_lists)
    index.add(*rows.read(np.arange(len(rows.ids))))
    return index


def estimate(index, query, size, n_probe=8, is_allowed=None):
    best = np.full((1, size), -2.0, dtype=np.float32)
    index.estimate(query[None], best, n_probe, is_allowed)
    return best[0]


def make_unit_rows(number):
    return unit((3,), number)


def put(index, numbers, make_vectors=make_unit_rows):
    """Add pictures; each number is a path, a content and vectors. Creates what the first ones need."""
    with index.writing() as catalog:
        encoder = catalog.encoder()
        if encoder is None:
            encoder = catalog.add_encoder("made", "1", DIM, "none")
            catalog.switch_to(encoder)
        folder_id = catalog.add_folder(Path("/made"))
        files = [
            IndexedPicture(
                folder_id,
                FoundFile(Path(f"/made/{i}.jpg"), 1, 1, 1),
                i.to_bytes(16, "big"),
                PictureFacts(9, 9, Metadata()),
                make_vectors(i).astype(np.float16),
            )
            for i in numbers
        ]
        catalog.put(files, encoder.id)


def delete(index, numbers):
    with index.writing() as catalog:
        known = catalog.files_in(Path("/made"), 1)
        catalog.delete_files([known[Path(f"/made/{i}.jpg")].id for i in numbers])


def assert_has(index, numbers):
    """The index has exactly these pictures and their vectors, and for its own row a picture is estimated to be best."""
    with index.snapshot() as snapshot, index.reading() as catalog:
        ids = catalog.vector_ids(1)
        numbers_of = {i: int(record.paths[0].stem) for i, record in catalog.pictures(ids.tolist()).items()}
        assert sorted(numbers_of.values()) == sorted(numbers)
        read = [(id_, row) for row_ids, rows in snapshot.read_rows(ids) for id_, row in zip(row_ids, rows, strict=True)]
        for id_ in ids.tolist():
            rows = np.array([row for other, row in read if other == id_])
            assert np.array_equal(rows, unit((len(rows),), numbers_of[id_]).astype(np.float16))
        for id_ in ids[:: -(-len(ids) // 10)].tolist():
            query = unit((1,), numbers_of[id_])
            found = snapshot.estimate(query, np.ones(1, dtype=np.float32))
            assert found.ids[found.scores.argmax()] == id_ or np.isinf(found.scores).all()
        everything = snapshot.estimate(query, np.ones(1, dtype=np.float32), least=-np.inf)
        assert everything.ids.tolist() == ids.tolist()


def test_rows_are_read_by_picture():
    rows = PictureRows(np.array([2, 5, 9]), np.array([4, 0, 1]), np.array([2, 1, 3]), unit((6,)).astype(np.float16))
    assert rows.find(np.array([1, 2, 9, 10])).tolist() == [0, 2]
    ids, data = rows.read(rows.find(np.array([2, 9])))
    assert ids.tolist() == [2, 2, 9, 9, 9]
    assert np.array_equal(data, rows.data[[4, 5, 1, 2, 3]])
    assert rows.keep(np.array([3, 5])).ids.tolist() == [5]


def test_half_precision_is_widened_exactly():
    bits = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = bits[np.isfinite(bits)].reshape(-1, 1)
    assert np.array_equal(widen(finite), finite.astype(np.float32))
    assert (np.abs(widen(bits[~np.isfinite(bits)].reshape(-1, 1))) > 60_000).all()


def test_distinct_rows_are_those_of_a_plain_loop():
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 9, 200)
    ids = np.repeat(np.arange(200), counts)
    rows = unit((200,))[ids] + 0.02 * rng.standard_normal((len(ids), DIM)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    kept = []
    for i in range(len(ids)):
        before = [j for j in kept if ids[j] == ids[i]]
        if all(float(rows[i] @ rows[j]) < MAX_COSINE for j in before):
            kept.append(i)
    assert np.flatnonzero(find_distinct_rows(ids, rows)).tolist() == kept
    assert len(set(ids.tolist())) == 200
    assert 250 < len(kept) < len(ids) - 250


def test_estimates_are_near_the_scores_of_the_best_rows():
    rows, query = make_rows(400), unit((1,), seed=1)[0]
    exact = (rows.data.astype(np.float32) @ query).reshape(400, 3).max(axis=1)
    found = estimate(make_candidates(rows), query, 401)
    assert found[0] == -2
    assert np.abs(found[1:] - exact).mean() < 0.1
    assert estimate(make_candidates(rows), rows.data[3 * 77].astype(np.float32), 401).argmax() == 78


def test_only_allowed_pictures_and_not_the_removed_ones_are_estimated():
    rows, query = make_rows(400), unit((1,), seed=1)[0]
    index = make_candidates(rows)
    is_allowed = np.arange(401) % 3 == 0
    assert (estimate(index, query, 401, is_allowed=is_allowed) > -2).tolist() == [
        i > 0 and i % 3 == 0 for i in range(401)
    ]
    index.remove(np.array([7, 999]))
    assert np.flatnonzero(estimate(index, query, 401)[1:] == -2).tolist() == [6]


@pytest.mark.parametrize("is_mapped", [False, True])
def test_a_saved_candidate_index_gives_the_same_estimates(tmp_path, is_mapped):
    index, query = make_candidates(make_rows(300)), unit((1,), seed=1)[0]
    check = index.save(tmp_path / "c.faiss")
    assert [p.name for p in tmp_path.iterdir()] == ["c.faiss"]
    loaded = CandidateIndex.load(tmp_path / "c.faiss", check, is_mapped=is_mapped)
    assert np.array_equal(estimate(loaded, query, 301), estimate(index, query, 301))


def test_a_damaged_candidate_file_is_refused_or_gives_some_estimates(tmp_path):
    """FAISS crashes on damaged sizes, and would read anywhere for damaged ids."""
    path, query = tmp_path / "c.faiss", unit((1,), seed=1)[0]
    check = make_candidates(make_rows(60)).save(path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    damaged = [b"", b"x" * 100, whole[:-1], whole + b"x"]
    for place in rng.integers(0, len(whole), 300).tolist():
        damaged.append(whole[:place] + bytes([whole[place] ^ (1 << rng.integers(8))]) + whole[place + 1 :])
    n_refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            index = CandidateIndex.load(path, check, is_mapped=True)
        except ValueError:
            n_refused += 1
            continue
        assert estimate(index, query, 61).shape == (61,)
        assert estimate(index, query, 61, is_allowed=np.ones(61, dtype=bool)).shape == (61,)
    assert 50 < n_refused < len(damaged) - 50


def test_a_copy_can_be_changed_while_the_other_is_searched():
    index, query = make_candidates(make_rows(300)), unit((1,), seed=1)[0]
    before = estimate(index, query, 400)
    copied = index.copy()
    copied.remove(np.array([6]))
    copied.add(np.array([350]), unit((1,), seed=3).astype(np.float16))
    assert np.array_equal(estimate(index, query, 400), before)
    assert estimate(copied, query, 400)[6] == -2 < estimate(copied, query, 400)[350]


def test_bounds_of_estimates_are_measured_on_the_index():
    rng = np.random.default_rng(0)
    centres = unit((20,), seed=5)[rng.integers(0, 20, 3000)]
    data = centres + 0.05 * rng.standard_normal(centres.shape).astype(np.float32)
    data /= np.linalg.norm(data, axis=1, keepdims=True)
    rows = PictureRows(np.arange(1000), 3 * np.arange(1000), np.full(1000, 3), data.astype(np.float16))
    index = make_candidates(rows, n_lists=40)
    bounds = measure_bounds(index, rows)
    one, several = np.ones(1, dtype=np.float32), np.full(3, 1 / 3, dtype=np.float32)
    assert 0 < bounds.margin(several) <= bounds.margin(one) < 0.3
    assert 0 <= bounds.slack(one) < 0.5


@pytest.mark.parametrize("dim", [16, 64, 256])
@pytest.mark.parametrize("margin", [None, 0.01, 0.8])
def test_fresh_codes_find_the_best_pictures_whatever_was_measured_on_older_ones(dim, margin):
    rng = np.random.default_rng(0)
    data = rng.standard_normal((3000 + 50, dim)).astype(np.float32)
    data /= np.linalg.norm(data, axis=1, keepdims=True)
    queries, data = data[3000:], data[:3000]
    rows = PictureRows(np.arange(1000), 3 * np.arange(1000), np.full(1000, 3), data.astype(np.float16))
    parts = [rows.keep(np.arange(1000)), rows.keep(np.arange(0))]
    candidates, bounds = [make_candidates(rows, n_lists=1)], None
    if margin is not None:
        candidates.append(candidates[0])
        bounds = Bounds((0.5, 1.0), (margin, margin), (0.5, 0.5), rows.data)
    vectors = Vectors(parts, candidates, bounds, np.ones(1000, dtype=np.bool_), False, exact_rows=100)
    n_found = 0
    for query in queries:
        best = (data @ query).reshape(1000, 3).max(axis=1)
        least = np.sort(best)[-10]
        found = vectors.estimate(query[None], np.ones(1, dtype=np.float32), least=float(least))
        assert found.margin >= (margin or 0)
        bounds_of = dict(zip(found.ids.tolist(), (found.scores + found.margin).tolist(), strict=True))
        n_found += sum(bounds_of.get(i, -1) >= least for i in np.flatnonzero(best >= least))
    assert n_found >= 0.99 * 10 * len(queries)


@pytest.mark.parametrize("kind", [Index, SmallIndex])
def test_the_files_follow_the_catalog(tmp_path, kind):
    """Pictures that were added and removed are seen before and after the files are written, and after a new start."""
    place, numbers = tmp_path / "index", set(range(120))
    steps = ((set(), set()), (set(range(200, 230)), set(range(0, 40, 3))), (set(), set(range(200, 210))))
    with closing(kind.create(place)) as index:
        put(index, numbers)
        for added, removed in steps:
            put(index, added)
            delete(index, removed)
            numbers = (numbers | added) - removed
            assert_has(index, numbers)
            index.save_vectors()
            assert_has(index, numbers)
            with closing(kind.open(place)) as other:
                assert_has(other, numbers)
    assert len(list(place.glob("vectors-*.rows"))) == 1
    assert len(list(place.glob("vectors-*.faiss"))) == (kind is SmallIndex)


def test_rows_are_appended_until_most_of_the_file_is_unused(tmp_path):
    with closing(Index.create(tmp_path / "index")) as index:

        def rows_file():
            index.save_vectors()
            (path,) = index.place.glob("vectors-*.rows")
            return path.name, path.stat().st_size // (2 * DIM * 3)

        put(index, range(10))
        name, n = rows_file()
        put(index, range(10, 15))
        delete(index, range(4))
        assert (n, *rows_file()) == (10, name, 15)
        delete(index, range(4, 9))
        other, n = rows_file()
        assert (other != name, n) == (True, 6)
        assert_has(index, range(9, 15))


@pytest.mark.parametrize("n_bytes", [13, 30_000, 90_000])
def test_what_killed_runs_appended_is_not_used_and_not_kept_for_ever(tmp_path, n_bytes):
    with closing(Index.create(tmp_path / "index")) as index:
        put(index, range(40))
        index.save_vectors()
        (path,) = index.place.glob("vectors-*.rows")
        with path.open("ab") as file:
            file.write(bytes(n_bytes))
        put(index, range(40, 44))
        assert_has(index, range(44))
        index.save_vectors()
        assert_has(index, range(44))
        with closing(Index.open(index.place)) as other:
            assert_has(other, range(44))
        (path,) = index.place.glob("vectors-*.rows")
        assert path.stat().st_size <= 2 * 44 * 3 * DIM * 2


def test_rows_that_another_process_reads_are_not_overwritten(tmp_path):
    """A run that was killed before it deleted the older manifest leaves two, and the next run may extend either."""
    with closing(Index.create(tmp_path / "index")) as index:
        put(index, range(10))
        index.save_vectors()
        put(index, range(10, 20))
        before = set(index.place.glob("*.npz"))
        with index.reading() as catalog:
            VectorCache(index.place, Index.exact_rows).save(catalog, catalog.encoder())
        (newest,) = set(index.place.glob("*.npz")) - before
        with closing(Index.open(index.place)) as reader, reader.snapshot() as snapshot:
            newest.unlink()
            delete(index, range(10, 15))
            put(index, range(20, 30))
            with index.reading() as catalog:
                VectorCache(index.place, Index.exact_rows).save(catalog, catalog.encoder())
            for id_, rows in snapshot.read_rows(np.arange(1, 21)):
                assert np.array_equal(rows, np.concatenate([unit((3,), i - 1).astype(np.float16) for i in id_[::3]]))
    with closing(Index.open(tmp_path / "index")) as index:
        assert_has(index, {*range(10), *range(15, 30)})


@pytest.mark.parametrize("pattern", ["vectors-*", "vectors-*.npz", "vectors-*.rows", "vectors-*.faiss"])
def test_files_that_were_deleted_while_an_index_is_open_are_written_again(tmp_path, pattern):
    with closing(SmallIndex.create(tmp_path / "index")) as index:
        put(index, range(60))
        index.save_vectors()
        assert_has(index, range(60))
        for numbers in (range(60), range(70)):
            for path in index.place.glob(pattern):
                path.unlink()
            put(index, numbers[60:])
            assert_has(index, numbers)
            index.save_vectors()
            assert {path.suffix for path in index.place.glob("vectors-*")} == {".npz", ".rows", ".faiss"}
            with closing(SmallIndex.open(index.place)) as other:
                assert_has(other, numbers)


class InterruptedCatalog:
    """Reads of vectors fail after the first ten pictures."""

    def __init__(self, catalog, error):
        self._catalog, self._error = catalog, error

    def __getattr__(self, name):
        return getattr(self._catalog, name)

    def vectors_of(self, ids, encoder):
        yield from self._catalog.vectors_of(ids[:10], encoder)
        raise self._error


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ServerError("made", "it was shut down")])
def test_an_update_that_failed_half_way_is_repeated_from_the_start(tmp_path, error):
    with closing(SmallIndex.create(tmp_path / "index")) as index:
        cache = VectorCache(index.place, SmallIndex.exact_rows)
        put(index, range(40))
        with index.reading() as catalog:
            cache.update(catalog, catalog.encoder())
        put(index, range(40, 80))
        with index.reading() as catalog:
            with pytest.raises((VectorFileError, ServerError), match=r"temporary files: No space|shut down"):
                cache.update(InterruptedCatalog(catalog, error), catalog.encoder())
            vectors = cache.update(catalog, catalog.encoder())
        for ids, rows in vectors.read(np.arange(1, 81)):
            assert len(ids) == 240
            assert np.array_equal(rows, np.concatenate([unit((3,), i).astype(np.float16) for i in range(80)]))


def test_lists_are_made_anew_when_the_index_has_grown(tmp_path):
    def read_info():
        with closing(SmallIndex.open(tmp_path / "index")) as index, index.snapshot() as snapshot:
            (candidates,) = snapshot.vectors.candidates
            return candidates.n_lists

    with closing(SmallIndex.create(tmp_path / "index")) as index:
        put(index, range(100))
        index.save_vectors()
        few = read_info()
        put(index, range(100, 150))
        index.save_vectors()
        assert read_info() == few
        put(index, range(150, 500))
        index.save_vectors()
        assert read_info() > few
        assert_has(index, range(500))


def test_new_pictures_of_other_themes_are_found(tmp_path):
    """They are in lists that were made for others, and too few for new lists."""
    themes = unit((80,), seed=99)

    def make_themed_rows(number):
        rng = np.random.default_rng(number)
        of = rng.integers(0, 40, 1) + (40 if number >= 600 else 0)
        rows = themes[of] + 0.7 * unit((6,), number)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    with closing(SmallIndex.create(tmp_path / "index")) as index:
        put(index, range(600), make_themed_rows)
        index.save_vectors()
        put(index, range(600, 850), make_themed_rows)
        index.save_vectors()
        with index.snapshot() as snapshot:
            ids = np.arange(1, 851)
            data = np.concatenate([rows for _, rows in snapshot.read_rows(ids)]).astype(np.float32)
            n_found = 0
            for i in range(40):
                query = data[6 * (600 + 6 * i)] + 1.2 * unit((1,), i)
                query /= np.linalg.norm(query)
                best = (data @ query[0]).reshape(850, 6).max(axis=1)
                least = float(np.sort(best)[-10])
                found = snapshot.estimate(query, np.ones(1, dtype=np.float32), least=least)
                is_candidate = np.isin(ids, found.ids[found.scores + found.margin >= least])
                n_found += np.count_nonzero(is_candidate & (best >= least))
    assert n_found >= 0.98 * 10 * 40


@pytest.mark.parametrize("kind", [Index, SmallIndex])
def test_a_damaged_manifest_changes_no_answer(tmp_path, kind):
    with closing(kind.create(tmp_path / "index")) as index:
        put(index, range(60))
        index.save_vectors()
    (path,) = (tmp_path / "index").glob("vectors-*.npz")
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 60).tolist():
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << rng.integers(8))]) + whole[place + 1 :])
        with closing(kind.open(tmp_path / "index")) as index:
            assert_has(index, range(60))


@pytest.mark.parametrize(("kind", "n", "limit"), [("Index", 400, 100_000), ("SmallIndex", 140, 110_000)])
def test_a_disk_that_is_full_leaves_the_old_files_only(tmp_path, kind, n, limit):
    """Files that runs wrote before they failed or were killed are deleted.

    limit: the highest size of a file; the rows are larger, or the manifest, which is written after the candidates.
    """
    place = tmp_path / "index"
    with closing(globals()[kind].create(place)) as index:
        put(index, range(40))
        index.save_vectors()
        put(index, range(40, n))
    before = {path.name: path.read_bytes() for path in place.glob("*vectors-*")}
    for name in (f"vectors-{'ab' * 8}.rows", f".vectors-1-2.npz-{'ab' * 8}.partial"):
        (place / name).write_bytes(bytes(9))
    code = (
        "import resource, signal, sys; from pathlib import Path; from tests.indexer.store.test_vectors import *\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); limit = int(sys.argv[3])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
        "try: globals()[sys.argv[2]].open(Path(sys.argv[1])).save_vectors()\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(place), kind, str(limit)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.count("\n") == 1, done
    assert "large" in done.stdout
    assert done.stderr == ""
    assert {path.name: path.read_bytes() for path in place.glob("*vectors-*")} == before
    with closing(globals()[kind].open(place)) as index:
        assert_has(index, range(n))
