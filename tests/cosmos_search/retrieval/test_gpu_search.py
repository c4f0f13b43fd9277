"""Searches with all vectors on a device. Here it is torch's "cpu"; on a GPU the same code runs with "cuda"."""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.data.synthetic_index import add_pictures, date_of, fill_index, make_mixed_vectors, make_themes
from cosmos_search.encoders.devices import has_nvidia_gpu
from cosmos_search.retrieval.encode import EncodedQuery
from cosmos_search.retrieval.gpu_search import GpuSearch, make_gpu_search
from cosmos_search.retrieval.rank import rank
from cosmos_search.retrieval.scoring import EncodedTerm
from indexer.pictures.regions import Box
from indexer.store.filter_record import Filters
from indexer.store.index import Index
from indexer.store.picture_rows import PictureRows
from indexer.store.records import EncoderRecord
from indexer.store.vectors import Vectors

DIM, N_ROWS, N = 64, 15, 600
WANTED = 12
torch = pytest.importorskip("torch")


class SmallIndex(Index):
    """Has candidates from 1,000 rows on, so that it asks its estimator."""

    exact_rows = 1000


class ExactIndex(Index):
    """Scores every picture."""

    exact_rows = 10**9


def make_vectors(n, seed):
    return make_mixed_vectors(n, N_ROWS, make_themes(np.random.default_rng(0), 40, DIM), np.random.default_rng(seed))


@pytest.fixture
def index(tmp_path):
    place = tmp_path / "index"
    fill_index(place, make_vectors(N, 1), EncoderRecord(0, "made", "1", DIM, "fast")).close()
    with closing(SmallIndex.open(place)) as opened:
        opened.estimator = GpuSearch("cpu")
        yield opened


def make_query(seed, signs="+"):
    rng = np.random.default_rng(seed)
    vectors = make_themes(rng, len(signs), DIM)
    terms = tuple(
        EncodedTerm(vector, weight=1.0 + i, is_negative=sign == "-", place=Box(0, 0, 0.5, 1) if sign == "@" else None)
        for i, (sign, vector) in enumerate(zip(signs, vectors, strict=True))
    )
    return EncodedQuery("made", "1", terms)


def score_everything(index, terms, allowed=None):
    """The estimates' true values by a plain loop: the weighted mean of each picture's best cosines, by id."""
    wanted = [term for term in terms if not term.is_negative]
    total = sum(term.weight for term in wanted)
    scores = {}
    with index.reading() as catalog:
        encoder = catalog.encoder()
        ids = catalog.vector_ids(encoder.id)
        for row_ids, rows in catalog.vectors_of(ids.tolist(), encoder):
            for id_ in np.unique(row_ids).tolist():
                cosines = rows[row_ids == id_].astype(np.float32) @ np.stack([term.vector for term in wanted]).T
                scores[id_] = sum(term.weight * best for term, best in zip(wanted, cosines.max(axis=0), strict=True))
    return {id_: score / total for id_, score in scores.items() if allowed is None or id_ in allowed}


def use_gpu(index):
    """Search until the vectors are on the device."""
    search_three_times(index)
    assert index.estimator.device.endswith("vectors in half precision")


def search_three_times(index):
    for _ in range(2):
        search(index, make_query(0))
    index.estimator.wait()
    search(index, make_query(0))


def search(index, query, filters=None, top=WANTED):
    with index.snapshot() as snapshot:
        return [(score.picture_id, score.score) for score in rank(snapshot, query, top, filters)]


def search_on_cpu(index, query, filters=None, top=WANTED):
    """The same without an estimator, with every picture scored."""
    with closing(ExactIndex.open(index.place)) as other:
        return search(other, query, filters, top)


def estimate(index, terms, least=None, allowed=None):
    wanted = [term for term in terms if not term.is_negative]
    weights = np.array([term.weight for term in wanted], dtype=np.float32)
    with index.snapshot() as snapshot:
        return index.estimator.estimate(
            snapshot.encoder.id,
            snapshot.vectors,
            np.stack([term.vector for term in wanted]),
            weights / weights.sum(),
            allowed,
            least,
        )


@pytest.mark.parametrize("signs", ["+", "+++", "++-", "+@", "+" * 70])
def test_the_estimates_are_the_exact_scores_but_for_rounding(index, signs):
    use_gpu(index)
    terms = make_query(3, signs).terms
    exact = score_everything(index, terms)
    found = estimate(index, terms)
    assert (found.ids.tolist(), found.others) == (sorted(exact), -np.inf)
    assert np.abs(found.scores - [exact[id_] for id_ in found.ids.tolist()]).max() < found.margin / 2
    least = sorted(exact.values())[-20]
    best = estimate(index, terms, least)
    assert {id_ for id_, score in exact.items() if score >= least} <= set(best.ids.tolist())
    assert len(best.ids) < 60
    assert best.ids.tolist() == sorted(best.ids.tolist())


@pytest.mark.parametrize("signs", ["+", "+++", "++-", "+@-"])
@pytest.mark.parametrize("share", [None, 0.5, 0.05, 0.001])
def test_searches_find_what_scoring_every_picture_finds(index, signs, share):
    use_gpu(index)
    days = sorted(date_of(number) for number in range(N))
    filters = None if share is None else Filters(before=days[max(2, int(share * N))])
    for seed in range(3):
        query = make_query(seed, signs)
        assert search(index, query, filters) == search_on_cpu(index, query, filters)


def test_pictures_in_any_order_and_in_several_blocks_are_estimated():
    from cosmos_search.retrieval.gpu_rows import GpuRows

    class SmallBlocks(GpuRows):
        block_rows = 30

    rng = np.random.default_rng(0)
    ids = rng.permutation(np.arange(1, 101))
    counts = rng.integers(1, 9, 100)
    starts = np.cumsum(counts) - counts
    data = make_themes(rng, int(counts.sum()), DIM).astype(np.float16)
    parts = PictureRows(ids, starts, counts, data)
    chunks = [parts.read(np.arange(first, first + 5)) for first in range(0, 100, 5)]
    rows = SmallBlocks.empty("cpu").add(chunks[:7]).add(chunks[7:8]).add(chunks[8:])
    assert (rows.n_rows, rows.ids.tolist()) == (len(data), ids.tolist())
    queries, weights = make_themes(rng, 2, DIM), np.array([0.25, 0.75], dtype=np.float32)
    vectors = Vectors([parts], [], None, np.arange(101) > 0, has_removed=False)
    found = rows.estimate(vectors, queries, weights, None, None)
    exact = np.maximum.reduceat(data.astype(np.float32) @ queries.T, starts) @ weights
    assert found.ids.tolist() == sorted(ids.tolist())
    assert np.abs(found.scores - exact[np.argsort(ids)]).max() < found.margin / 2


def test_only_allowed_pictures_are_estimated(index):
    use_gpu(index)
    allowed = np.arange(5, N, 7)
    terms = make_query(4, "++").terms
    assert estimate(index, terms, allowed=allowed).ids.tolist() == allowed.tolist()
    assert estimate(index, terms, -np.inf, allowed).ids.tolist() == allowed.tolist()
    assert estimate(index, terms, allowed=np.array([N + 100])).ids.tolist() == []


def test_added_and_removed_pictures_are_seen_at_once(index):
    use_gpu(index)
    add_pictures(index, make_vectors(200, 2), first=N)
    before = index.estimator.device
    query = make_query(5, "++")
    assert search(index, query) == search_on_cpu(index, query)
    assert index.estimator.device != before
    best = [id_ for id_, _ in search(index, query, top=40)]
    delete(index, [id_ - 1 for id_ in best])
    with index.snapshot() as snapshot:
        assert not np.isin(best, np.flatnonzero(snapshot.vectors.is_picture)).any()
    with index.reading() as catalog:
        assert estimate(index, query.terms).ids.tolist() == catalog.vector_ids(1).tolist()
    assert search(index, query) == search_on_cpu(index, query)
    assert not {id_ for id_, _ in search(index, query)} & set(best)


def delete(index, numbers):
    with index.writing() as catalog:
        known = catalog.files_in(Path("/made/up"), 1)
        catalog.delete_files([file.id for path, file in known.items() if int(path.stem) in numbers])


def test_when_most_pictures_are_removed_the_others_are_uploaded_again(index):
    use_gpu(index)
    delete(index, range(N * 2 // 5))
    search(index, make_query(0))
    assert index.estimator.device.startswith(f"cpu, {N * N_ROWS:,}")
    delete(index, range(N * 3 // 5))
    use_gpu(index)
    assert index.estimator.device.startswith(f"cpu, {N * N_ROWS * 2 // 5:,}")
    query = make_query(8, "++")
    assert search(index, query) == search_on_cpu(index, query)


def test_searches_use_the_cpu_while_many_pictures_are_uploaded(index):
    class PatientSearch(GpuSearch):
        rows_at_once = 100

    index.estimator = PatientSearch("cpu")
    use_gpu(index)
    add_pictures(index, make_vectors(200, 2), first=N)
    terms = make_query(9, "++").terms
    assert estimate(index, terms) is None
    index.estimator.wait()
    assert len(estimate(index, terms).ids) == N + 200


def test_vectors_of_another_encoder_replace_those_of_the_first(index):
    use_gpu(index)
    with index.writing() as catalog:
        other = catalog.add_encoder("other", "1", DIM, "fast")
        catalog.switch_to(other)
    add_pictures(index, make_vectors(N, 9))
    use_gpu(index)
    query = make_query(6, "+++")
    exact = score_everything(index, query.terms)
    found = estimate(index, query.terms)
    assert np.abs(found.scores - [exact[id_] for id_ in found.ids.tolist()]).max() < found.margin / 2


def test_the_first_search_uploads_nothing_and_the_second_begins(index):
    search(index, make_query(0))
    assert index.estimator.device.startswith("cpu; with more than 20,000 vectors")
    search(index, make_query(1))
    index.estimator.wait()
    assert index.estimator.device == f"cpu, {N * N_ROWS:,} vectors in half precision"


@pytest.mark.parametrize(
    ("device", "max_bytes", "reason"),
    [
        ("cpu", 1000, "the vectors need 0.0 GB more of its memory, which has 0.0"),
        ("meta", 10**9, "meta"),  # a device of torch that can compute nothing
        pytest.param("cuda", None, "", marks=pytest.mark.skipif(has_nvidia_gpu(), reason="there is a GPU")),
    ],
)
def test_a_gpu_without_memory_or_that_fails_is_given_up_with_one_line(index, caplog, device, max_bytes, reason):
    index.estimator = GpuSearch(device, max_bytes)
    query = make_query(7, "++")
    with caplog.at_level(logging.WARNING):
        search_three_times(index)
        assert search(index, query) == search_on_cpu(index, query)
    (line,) = caplog.messages
    assert line.startswith("Searches run on the CPU; a GPU is not used: ")
    assert "\n" not in line
    assert reason in line
    assert index.estimator.device.startswith("cpu; a GPU is not used: ")


def test_threads_that_search_while_pictures_are_added_find_the_exact_answers(index):
    use_gpu(index)
    queries = [make_query(seed, "++") for seed in range(8)]

    with ThreadPoolExecutor(4) as pool:
        for turn in range(3):
            add_pictures(index, make_vectors(50, 20 + turn), first=N + 50 * turn)
            found = list(pool.map(partial(search, index), queries))
            assert found == [search_on_cpu(index, query) for query in queries]
    assert "vectors in half precision" in index.estimator.device


def test_a_closed_index_releases_its_rows(index):
    use_gpu(index)
    gpu = index.estimator
    index.close()
    assert (gpu._rows, index.estimator) == (None, None)


@pytest.mark.skipif(has_nvidia_gpu(), reason="this machine has a GPU")
def test_without_a_gpu_there_is_no_estimator():
    assert [make_gpu_search(device) for device in ("auto", "cpu", "cuda", "mps")] == [None] * 4
