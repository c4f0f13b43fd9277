import subprocess
import sys

import numpy as np
import pytest

from indexer.store.vectors import VectorIndex


def unit(n, dim=16, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def filled(vectors, ids=None, is_compact=False):
    index = VectorIndex(vectors.shape[1], is_compact=is_compact)
    ids = range(1, len(vectors) + 1) if ids is None else ids
    index.add(np.array(ids, dtype=np.int64), vectors.astype(np.float16))
    return index


def found(index, query, n_rows):
    scores, ids = index.search(query[None], n_rows)
    return ids[0].tolist(), scores[0].tolist()


def test_the_best_are_those_of_a_matrix_product():
    vectors, query = unit(500), unit(1, seed=1)[0]
    ids, scores = found(filled(vectors), query, 10)
    exact = vectors.astype(np.float16).astype(np.float32) @ query
    assert [id_ - 1 for id_ in ids] == np.argsort(-exact)[:10].tolist()
    assert scores == pytest.approx(np.sort(exact)[::-1][:10].tolist(), abs=1e-5)


def test_compact_codes_find_the_candidates():
    vectors, queries = unit(5000, dim=128), unit(20, dim=128, seed=1)
    index = filled(vectors, is_compact=True)
    best = np.argsort(-(queries @ vectors.T), axis=1)[:, :10] + 1
    ids = index.search(queries, 500)[1]
    assert np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(best, ids, strict=True)]) > 0.97


def test_more_rows_than_there_are_are_no_error():
    assert len(found(filled(unit(3)), unit(1)[0], 100)[0]) == 3
    assert found(VectorIndex(16), unit(1)[0], 5) == ([], [])


@pytest.mark.parametrize("is_compact", [False, True])
def test_all_rows_of_a_removed_picture_are_gone(is_compact):
    vectors = unit(300)
    index = filled(vectors, ids=np.arange(300) // 3, is_compact=is_compact)
    index.remove(np.array([3, 999]))
    assert sorted(set(index.ids.tolist())) == [i for i in range(100) if i != 3]
    assert 3 not in found(index, vectors[10], 50)[0]


@pytest.mark.parametrize("is_compact", [False, True])
def test_a_saved_index_gives_the_same_answers(tmp_path, is_compact):
    vectors = unit(100)
    index = filled(vectors, is_compact=is_compact)
    index.save(tmp_path / "v.faiss", version=7)
    assert [p.name for p in tmp_path.iterdir()] == ["v.faiss"]
    loaded, version = VectorIndex.load(tmp_path / "v.faiss", 16)
    assert version == 7
    assert loaded.is_compact == is_compact
    assert found(loaded, vectors[5], 7) == found(index, vectors[5], 7)


@pytest.mark.parametrize("is_compact", [False, True])
def test_a_file_that_was_damaged_anywhere_is_refused_before_faiss_sees_it(tmp_path, is_compact):
    path = tmp_path / "v.faiss"
    filled(unit(40), is_compact=is_compact).save(path, version=7)
    whole = path.read_bytes()
    for damage in damaged_versions(whole):
        path.write_bytes(damage)
        with pytest.raises(ValueError, match=r"short|footer|checksum"):
            VectorIndex.load(path, 16)


def damaged_versions(whole):
    """Cut, lengthened, with a part swapped or zeroed, and with one bit turned at many places before the version."""
    random = np.random.default_rng(0)
    yield from (b"", b"garbage", b"x" * 4096, whole[:20], whole[:-1], whole[len(whole) // 2 :], whole + b"x", whole * 2)
    yield whole[:100] + bytes(200) + whole[300:]
    yield whole[:500] + whole[1000:1500] + whole[500:1000] + whole[1500:]
    for place in (*range(0, 60), *random.integers(0, len(whole) - 8, 300).tolist()):
        yield whole[:place] + bytes([whole[place] ^ (1 << random.integers(8))]) + whole[place + 1 :]


def test_a_file_of_another_dimension_is_refused(tmp_path):
    filled(unit(40)).save(tmp_path / "v.faiss", version=7)
    with pytest.raises(ValueError, match="16 numbers, not of 32"):
        VectorIndex.load(tmp_path / "v.faiss", 32)


@pytest.mark.parametrize("is_compact", [False, True])
def test_a_copy_can_be_changed_while_the_other_is_searched(is_compact):
    vectors = unit(300)
    index = filled(vectors, is_compact=is_compact)
    before = found(index, vectors[5], 7)
    copied = index.copy()
    assert found(copied, vectors[5], 7) == before
    copied.remove(np.array([6]))
    copied.add(np.array([1000]), unit(1, seed=3).astype(np.float16))
    assert found(index, vectors[5], 7) == before
    assert (len(index), len(copied)) == (300, 300)
    assert 6 not in found(copied, vectors[5], 300)[0]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "v.faiss"
    filled(unit(40)).save(path, version=7)
    before = path.read_bytes()
    code = (
        "import resource, signal, sys; from pathlib import Path; import numpy as np\n"
        "from indexer.store.vectors import VectorIndex\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
        "index = VectorIndex(16); index.add(np.arange(4000), np.eye(16, dtype=np.float16)[np.arange(4000) % 16])\n"
        "try: index.save(Path(sys.argv[1]), 8)\n"
        "except OSError as error: print(error.strerror)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("File too large\n", "")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
