import numpy as np
import pytest

from indexer.vectors import VectorIndex


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


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("is_compact", [False, True])
def test_a_saved_index_gives_the_same_answers(tmp_path, mapped, is_compact):
    vectors = unit(100)
    index = filled(vectors, is_compact=is_compact)
    index.save(tmp_path / "v.faiss")
    assert [p.name for p in tmp_path.iterdir()] == ["v.faiss"]
    loaded = VectorIndex.load(tmp_path / "v.faiss", mapped=mapped)
    assert loaded.is_compact == is_compact
    assert found(loaded, vectors[5], 7) == found(index, vectors[5], 7)


def test_a_damaged_file_raises(tmp_path):
    (tmp_path / "v.faiss").write_bytes(b"garbage")
    with pytest.raises(RuntimeError):
        VectorIndex.load(tmp_path / "v.faiss")
