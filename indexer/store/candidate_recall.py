"""Measure how many lists of a candidate index have to be searched, and how far estimated scores can be trusted."""

import numpy as np
from numpy.typing import NDArray

from indexer.store.candidate_info import DEPTHS, Probing
from indexer.store.candidates import CandidateIndex
from indexer.store.picture_rows import PictureRows
from indexer.store.vectors import choose_floors

__all__ = ["measure_probing"]

MIN_RECALL = 0.995  # of the best pictures among the candidates; 0.99 is promised for the whole search
MARGIN_QUANTILE, MAX_MARGIN = 0.995, 2.0
SHARES = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)  # of the lists
N_QUERIES = 32  # of each kind
# Added to a row, then scaled to length 1: a cosine of 0.7 with the row. For captions as queries on photos, the errors
# of the estimates and the recall by lists are those of these queries (benchmarks/README.md).
NOISE = 1.0
N_SAMPLE = 2048
PICTURES_AT_ONCE = 2000


def measure_probing(index: CandidateIndex, rows: PictureRows) -> Probing:
    """Compare the candidates with exact scores of all pictures. rows: those in the index."""
    rng = np.random.default_rng(0)
    sample = rows.data[np.sort(rng.choice(len(rows.data), min(N_SAMPLE, len(rows.data)), replace=False))]
    kinds = [_make_queries(rows, kind, rng) for kind in ("one row", "rows of one picture", "rows of several pictures")]
    queries = [vectors for kind in kinds for vectors in kind]
    totals = _score_all(rows, queries)  # (queries, pictures)
    deepest = min(DEPTHS[-1], len(rows.ids))
    best = np.argpartition(-totals, deepest - 1, axis=1)[:, :deepest]
    best = np.take_along_axis(best, np.argsort(-np.take_along_axis(totals, best, axis=1), axis=1), axis=1)
    scores = np.take_along_axis(totals, best, axis=1)
    steps = sorted({max(1, int(share * index.n_lists)) for share in SHARES})
    errors = np.stack(
        [_measure_errors(index, q, sample, rows.ids, best[i], scores[i], steps) for i, q in enumerate(queries)]
    )
    # errors: (queries, steps, DEPTHS, deepest); with all lists they are those of the codes
    margin = min(MAX_MARGIN, float(np.nanquantile(errors[:, -1, 0], MARGIN_QUANTILE, method="higher")))
    with np.errstate(invalid="ignore"):
        is_found = np.where(np.isnan(errors), np.nan, errors <= margin)
    recalls = np.stack([np.nanmean(part, axis=(0, 3)) for part in np.split(is_found, len(kinds))]).min(axis=0)
    n_probes = tuple(
        next((n for n, recall in zip(steps, recalls[:, depth], strict=True) if recall >= MIN_RECALL), steps[-1])
        for depth in range(len(DEPTHS))
    )
    return Probing(n_probes, margin, sample)


def _make_queries(rows: PictureRows, kind: str, rng: np.random.Generator) -> list[NDArray[np.float32]]:
    """N_QUERIES queries with one vector or three: (q, dim), unit rows."""
    queries = []
    for _ in range(N_QUERIES):
        pictures = rng.integers(0, len(rows.ids), 3 if kind == "rows of several pictures" else 1)
        pictures = np.repeat(pictures, 3) if kind == "rows of one picture" else pictures
        chosen = rows.starts[pictures] + rng.integers(0, rows.counts[pictures])
        vectors = rows.data[chosen].astype(np.float32)
        noise = rng.standard_normal(vectors.shape).astype(np.float32)
        vectors = vectors + NOISE * noise / np.linalg.norm(noise, axis=1, keepdims=True)
        queries.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    return queries


def _score_all(rows: PictureRows, queries: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """For each query the exact score of each picture: the mean of its vectors' best cosines, (queries, pictures)."""
    vectors = np.concatenate(queries)
    first = np.cumsum([0, *map(len, queries[:-1])])
    sizes = np.array([len(q) for q in queries], dtype=np.float32)
    totals = np.empty((len(queries), len(rows.ids)), dtype=np.float32)
    for begin in range(0, len(rows.ids), PICTURES_AT_ONCE):
        positions = np.arange(begin, min(begin + PICTURES_AT_ONCE, len(rows.ids)))
        counts = rows.counts[positions]
        data = rows.read(positions)[1].astype(np.float32)
        cosines = np.maximum.reduceat(data @ vectors.T, np.cumsum(counts) - counts, axis=0)  # (pictures, vectors)
        totals[:, positions] = (np.add.reduceat(cosines, first, axis=1) / sizes).T
    return totals


def _measure_errors(
    index: CandidateIndex,
    queries: NDArray[np.float32],
    sample: NDArray[np.float16],
    ids: NDArray[np.int64],
    best: NDArray[np.int64],
    scores: NDArray[np.float32],
    steps: list[int],
) -> NDArray[np.float32]:
    """How far the estimates of the best pictures are below the score that they have to reach: (steps, DEPTHS, best).

    In units of |w|. NaN: beyond that depth; infinite: no estimate above the floors.
    """
    weights = np.full(len(queries), 1 / len(queries), dtype=np.float32)
    floors = choose_floors(sample, queries)
    errors = np.full((len(steps), len(DEPTHS), len(best)), np.nan, dtype=np.float32)
    for step, n_probe in enumerate(steps):
        estimates = np.repeat(floors[:, None], ids[-1] + 1, axis=1)
        index.estimate(queries, estimates, n_probe, None)
        found = estimates[:, ids[best]]  # (q, best)
        missing = np.where((found > floors[:, None]).any(axis=0), 0, np.inf)
        for depth, n in enumerate(DEPTHS):
            needed = scores[min(n, len(best)) - 1]
            errors[step, depth, :n] = ((needed - weights @ found + missing) / np.linalg.norm(weights))[:n]
    return errors
