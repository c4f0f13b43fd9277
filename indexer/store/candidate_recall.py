"""Measure on an index how far estimated scores, and scores of lists that were not searched, can be trusted."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.store.candidate_info import LOWEST, Bounds
from indexer.store.candidates import CandidateIndex
from indexer.store.picture_rows import PictureRows, widen

__all__ = ["measure_bounds"]

# The numbers of best pictures whose recall is measured. Among a hundred are those of several themes, also where the ten
# best are photos of one moment: on 100,000 pictures that repeat 7,000 photos with noise, bounds measured on ten found
# 0.95 of the ten best for captions. Measured on a hundred alone, they found 0.96 in 4,000 pictures of 2,000 themes,
# where the others of the hundred are not near to the query.
TOPS = (10, 100)
MIN_RECALL = 0.999  # of each kind of query; 0.99 of the ten best is promised
SHARES = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)  # of the lists
SLACKS = np.append(np.arange(0, 0.5, 0.01), 4.0)  # the values that are tried; with the last one all lists are searched
SPARE = 0.02  # is added to the chosen one, for queries unlike those that were measured
# Of each kind. A single vector needs more, since its errors do not cancel out: with 32, the bounds found 0.98 of the
# ten best for captions of 10,000 photos.
N_SINGLE, N_SEVERAL = 128, 32
# The length of the noise added to a row, in turn: cosines of 0.7 and 0.45 with it, as of pictures and of texts.
NOISES = (1.0, 2.0)
N_SAMPLE = 2048
PICTURES_AT_ONCE = 2000


def measure_bounds(index: CandidateIndex, rows: PictureRows, tops: Sequence[int] = TOPS) -> Bounds:
    """Compare the estimates with exact scores of all pictures, for queries made from rows. rows: those in the index.

    tops: the numbers of the best pictures that have to be found, ascending.
    """
    rng = np.random.default_rng(0)
    sample = rows.data[np.sort(rng.choice(len(rows.data), min(N_SAMPLE, len(rows.data)), replace=False))]
    kinds = [
        _make_queries(rows, rng, N_SINGLE, n_pictures=1, n_vectors=1),
        _make_queries(rows, rng, N_SEVERAL, n_pictures=1, n_vectors=3),
        _make_queries(rows, rng, N_SEVERAL, n_pictures=3, n_vectors=3),
    ]
    best = _find_best(rows, kinds, tops[-1])
    one, alike, different = (
        np.max([_measure_kind(index, kind, ids[:, :n], scores[:, :n][:, -1]) for n in tops], axis=0)
        for kind, ids, scores in zip(kinds, *best, strict=True)
    )
    several = np.maximum(alike, different)
    return Bounds((3**-0.5, 1.0), (several[0], one[0]), (several[1], one[1]), sample)


def _make_queries(
    rows: PictureRows, rng: np.random.Generator, n: int, *, n_pictures: int, n_vectors: int
) -> NDArray[np.float32]:
    """Queries of unit vectors near rows of one or several pictures: (n, n_vectors, dim)."""
    pictures = rng.integers(0, len(rows.ids), (n, n_pictures)).repeat(n_vectors // n_pictures, axis=1)
    vectors = rows.data[rows.starts[pictures] + rng.integers(0, rows.counts[pictures])].astype(np.float32)
    noise = rng.standard_normal(vectors.shape).astype(np.float32)
    lengths = np.resize(NOISES, (n, 1, 1)).astype(np.float32)
    vectors += lengths * noise / np.linalg.norm(noise, axis=-1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit


def _find_best(
    rows: PictureRows, kinds: Sequence[NDArray[np.float32]], top: int
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.float32]]]:
    """For each kind, the ids of the best pictures of each query, and their scores, best first: (n, top) both.

    The score of a picture is the mean of the best cosines of its rows with each vector, over all pictures.
    """
    vectors = np.concatenate([kind.reshape(-1, kind.shape[-1]) for kind in kinds])
    best = [(np.zeros((len(kind), 0), dtype=np.int64), np.zeros((len(kind), 0), dtype=np.float32)) for kind in kinds]
    for begin in range(0, len(rows.ids), PICTURES_AT_ONCE):
        positions = np.arange(begin, min(begin + PICTURES_AT_ONCE, len(rows.ids)))
        counts = rows.counts[positions]
        cosines = widen(rows.read(positions)[1]) @ vectors.T
        cosines = np.maximum.reduceat(cosines, np.cumsum(counts) - counts, axis=0)  # (pictures, vectors)
        column = 0
        for i, kind in enumerate(kinds):
            n, q = kind.shape[:2]
            scores = cosines[:, column : column + n * q].reshape(-1, n, q).mean(axis=2).T  # (n, pictures)
            column += n * q
            ids = np.concatenate([best[i][0], np.broadcast_to(rows.ids[positions], scores.shape)], axis=1)
            scores = np.concatenate([best[i][1], scores], axis=1)
            order = np.argsort(-scores, axis=1)[:, :top]
            best[i] = np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1)
    return [ids for ids, _ in best], [scores for _, scores in best]


def _measure_kind(
    index: CandidateIndex, queries: NDArray[np.float32], best: NDArray[np.int64], least: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The margin and the slack with which the best pictures of these queries are found: (2,).

    queries: (n, q, dim); best: (n, top), ids; least: (n,), the score that a picture has to reach.
    """
    weights = np.full(queries.shape[1], 1 / queries.shape[1])
    steps = sorted({max(1, int(share * index.n_lists)) for share in SHARES if share * index.n_lists < index.n_lists})
    estimates = np.stack(
        [[_estimate(index, q, ids, n) for n in (*steps, index.n_lists)] for q, ids in zip(queries, best, strict=True)]
    )  # (n, steps, q, top); with all lists, the last step, the errors are those of the codes
    errors = least[:, None] - np.einsum("q,nqt->nt", weights, estimates[:, -1])
    margin = max(0.0, float(np.quantile(errors, MIN_RECALL, method="higher")))
    centres = np.stack([index.score_centres(q)[:, steps].T for q in queries])  # of the next lists: (n, steps - 1, q)
    for slack in SLACKS:
        floors = np.append(centres + slack, np.full((len(queries), 1, len(weights)), LOWEST), axis=1)  # (n, steps, q)
        stop = np.argmax(floors @ weights + margin <= least[:, None], axis=1)  # true for the last step
        found = np.take_along_axis(estimates, stop[:, None, None, None], axis=1)[:, 0]  # (n, q, top)
        floor = np.take_along_axis(floors, stop[:, None, None], axis=1)[:, 0, :, None]
        bounds = np.einsum("q,nqt->nt", weights, np.maximum(found, floor)) + margin
        is_found = (found > floor).any(axis=1) & (bounds >= least[:, None])
        if is_found.mean() >= MIN_RECALL:
            break
    return np.array([margin, slack + SPARE])


def _estimate(
    index: CandidateIndex, queries: NDArray[np.float32], ids: NDArray[np.int64], n_probe: int
) -> NDArray[np.float32]:
    """The estimated scores of these pictures, LOWEST if they are in none of the searched lists: (q, ids)."""
    best = np.full((len(queries), ids.max() + 1), LOWEST, dtype=np.float32)
    is_allowed = np.zeros(best.shape[1], dtype=np.bool_)
    is_allowed[ids] = True
    index.estimate(queries, best, n_probe, is_allowed)
    return best[:, ids]
