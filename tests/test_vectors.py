import numpy as np
import pytest

from indexer.vectors import VectorIndex


def unit(n, dim=16, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def filled(vectors, ids=None):
    index = VectorIndex(vectors.shape[1])
    index.add(list(range(1, len(vectors) + 1)) if ids is None else ids, vectors.astype(np.float16))
    return index


def test_the_best_are_those_of_a_matrix_product():
    vectors, query = unit(500), unit(1, seed=1)[0]
    found = filled(vectors).search(query, 10)
    exact = vectors.astype(np.float16).astype(np.float32) @ query
    assert [id_ - 1 for id_, _ in found] == np.argsort(-exact)[:10].tolist()
    assert [score for _, score in found] == pytest.approx(np.sort(exact)[::-1][:10].tolist(), abs=1e-5)


def test_equal_scores_come_in_the_order_of_their_ids():
    one = unit(1)
    index = filled(np.repeat(one, 5, axis=0), ids=[9, 2, 7, 4, 1])
    assert [id_ for id_, _ in index.search(one[0], 5)] == [1, 2, 4, 7, 9]


def test_more_hits_than_vectors_are_no_error():
    assert len(filled(unit(3)).search(unit(1)[0], 100)) == 3
    assert VectorIndex(16).search(unit(1)[0], 5) == []


def test_removed_ids_are_found_no_more():
    vectors = unit(10)
    index = filled(vectors)
    index.remove(np.array([3, 99]))
    assert sorted(index.ids.tolist()) == [1, 2, 4, 5, 6, 7, 8, 9, 10]
    assert index.search(vectors[2], 1)[0][0] != 3


@pytest.mark.parametrize("mapped", [False, True])
def test_a_saved_index_gives_the_same_answers(tmp_path, mapped):
    vectors = unit(100)
    index = filled(vectors)
    index.save(tmp_path / "v.faiss")
    assert [p.name for p in tmp_path.iterdir()] == ["v.faiss"]
    loaded = VectorIndex.load(tmp_path / "v.faiss", mapped=mapped)
    assert loaded.search(vectors[5], 7) == index.search(vectors[5], 7)


def test_a_damaged_file_raises(tmp_path):
    (tmp_path / "v.faiss").write_bytes(b"garbage")
    with pytest.raises(RuntimeError):
        VectorIndex.load(tmp_path / "v.faiss")
