"""Second step of a search: estimated scores from the store, and exact ones where they decide. No encoder is needed."""

from collections.abc import Sequence
from dataclasses import replace
from threading import BoundedSemaphore

import numpy as np
from numpy.typing import NDArray

from cosmos_search.retrieval.encode import EncodedQuery
from cosmos_search.retrieval.scoring import (
    EncodedTerm,
    PictureScore,
    ScoreCurve,
    add_probability,
    combine_scores,
    score_pictures,
)
from cosmos_search.retrieval.text_matches import PROBABILITY, TextLevel
from indexer.cores import available_cores
from indexer.pictures.regions import Box, whole_and_regions
from indexer.store.filter_record import Filters
from indexer.store.picture_rows import find_starts, widen
from indexer.store.protocol import Snapshot
from indexer.store.vectors import Estimates

__all__ = ["rank"]

FIRST = 64  # pictures that are scored before the first comparison with the estimates of the others
CHUNK = 64  # pictures whose rows fit into the processor's cache
ROUNDING = 1e-5  # above the difference between two computations of one score
# Searches that compute at once. More threads than cores hand Python's global lock to and fro (benchmarks/README.md).
SLOTS = BoundedSemaphore(available_cores())
MAX_SCORE = 1.01  # of a picture whose rows have a length of 1 in half precision; those of a damaged file may be longer


def rank(
    snapshot: Snapshot,
    encoded: EncodedQuery,
    top: int,
    filters: Filters | None = None,
    levels: Sequence[TextLevel] = (),
    floor: float = -np.inf,
) -> list[PictureScore]:
    """The `top` pictures with the highest scores, best first; equal scores are in the order of their fingerprints.

    floor: pictures with a lower score, before it rises because of texts, may be left out.

    levels: pictures whose scores rise because of their texts, see `match_texts`; a picture is in one of them at most.
    `add_probability` lowers no score and keeps the order of a level's pictures, so the best pictures are among the
    `top` of all pictures and those of each level by the scores without texts.

    The scores are computed from the vectors in the database. Each of the best pictures is among them with a probability
    of 0.99 or more, and surely if the store estimates nothing (see `Snapshot.estimate`).
    """
    allowed = snapshot.matching((filters or Filters()).with_texts(encoded.texts, encoded.without_texts))
    if allowed is not None and _demands_only_texts(encoded):  # parts of words, too, which levels don't know
        levels = [TextLevel(allowed, PROBABILITY)]
    with SLOTS:
        best = _find_best(snapshot, encoded.terms, top, allowed, floor)
        for level in levels:
            some = level.ids if allowed is None else np.intersect1d(level.ids, allowed, assume_unique=True)
            best += _find_best(snapshot, encoded.terms, top, some) if len(some) else []
    best = sorted(set(best))
    scores = [
        _add_texts(score, levels, encoded.curve)
        for row_ids, data in snapshot.vectors_of(best)
        for score in _score_chunk(snapshot, encoded.terms, row_ids, data)
    ]
    fingerprints = snapshot.fingerprints(best)
    return sorted(scores, key=lambda item: (-item.score, fingerprints[item.picture_id]))[:top]


def _demands_only_texts(encoded: EncodedQuery) -> bool:
    """True if the query says nothing but which texts a picture must have: each picture that passes then matches."""
    return bool(encoded.texts) and tuple(term.text for term in encoded.terms) == encoded.texts


def _add_texts(score: PictureScore, levels: Sequence[TextLevel], curve: ScoreCurve | None) -> PictureScore:
    for level in levels:
        position = np.searchsorted(level.ids, score.picture_id)
        if position < len(level.ids) and level.ids[position] == score.picture_id:
            raised = add_probability(score.score, level.probability, curve)
            return replace(score, score=raised, text_probability=level.probability)
    return score


def _find_best(
    snapshot: Snapshot,
    terms: Sequence[EncodedTerm],
    top: int,
    allowed: NDArray[np.int64] | None,
    floor: float = -np.inf,
) -> list[int]:
    """Ids of the `top` best pictures, of those with a score from `floor` on; ascending.

    Others with the same score as the last of them are among them.

    The threshold algorithm (Fagin, Lotem and Naor 2003) with estimates: negative terms and places only lower a score,
    so a picture whose estimate and margin are below the `top`-th exact score need not be scored. The exact scores of
    the most promising pictures show how many estimates are needed.
    """
    wanted = [term for term in terms if not term.is_negative]
    queries = np.stack([term.vector for term in wanted])
    weights = np.array([term.weight for term in wanted], dtype=np.float32)
    weights /= weights.sum()
    estimates = snapshot.estimate(queries, weights, allowed)
    floor -= ROUNDING
    least = max(floor, _find_nth(_score_candidates(snapshot, terms, estimates, top, floor, is_trial=True), top))
    if least < estimates.others + estimates.margin:
        estimates = snapshot.estimate(queries, weights, allowed, least)
    scores = _score_candidates(snapshot, terms, estimates, top, least)
    is_best = np.isfinite(scores) & (scores >= max(floor, _find_nth(scores, top) - ROUNDING))
    ids: list[int] = estimates.ids[is_best].tolist()
    return ids


def _score_candidates(
    snapshot: Snapshot,
    terms: Sequence[EncodedTerm],
    estimates: Estimates,
    top: int,
    least: float = -np.inf,
    *,
    is_trial: bool = False,
) -> NDArray[np.float32]:
    """The exact scores of the pictures that may be among the `top` best, -inf for all others: (pictures,).

    least: of the scores that matter. is_trial: only the scores of the most promising pictures.
    """
    bounds = estimates.scores + np.float32(estimates.margin)
    scores = np.full(len(bounds), -np.inf, dtype=np.float32)
    is_waiting = np.ones(len(bounds), dtype=np.bool_)
    n = max(FIRST, 2 * top)
    while True:
        is_waiting &= bounds >= max(least, _find_nth(scores, top))
        waiting = np.flatnonzero(is_waiting)
        if len(waiting) > n:
            waiting = np.sort(waiting[np.argpartition(-bounds[waiting], n)[:n]])
        for start in range(0, len(waiting), CHUNK):
            for row_ids, data in snapshot.read_rows(estimates.ids[waiting[start : start + CHUNK]]):
                ids, found = _combine_chunk(snapshot, terms, row_ids, data)
                scores[np.searchsorted(estimates.ids, ids)] = found
        if is_trial or not len(waiting):
            return scores
        is_waiting[waiting] = False
        n *= 2


def _combine_chunk(
    snapshot: Snapshot, terms: Sequence[EncodedTerm], row_ids: NDArray[np.int64], data: NDArray[np.float16]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The pictures of these rows and their exact scores: (pictures,), (pictures,)."""
    starts = find_starts(row_ids)
    ids = row_ids[starts]
    boxes = _list_boxes(snapshot, ids.tolist()) if any(term.place is not None for term in terms) else None
    scores = combine_scores(terms, widen(data), starts, boxes)
    return ids, np.where(scores <= MAX_SCORE, scores, -np.inf).astype(np.float32)


def _score_chunk(
    snapshot: Snapshot, terms: Sequence[EncodedTerm], row_ids: NDArray[np.int64], data: NDArray[np.float16]
) -> list[PictureScore]:
    """The scores of the pictures of these rows, with the regions to show."""
    starts = find_starts(row_ids)
    ids = row_ids[starts].tolist()
    return score_pictures(terms, ids, widen(data), starts, _list_boxes(snapshot, ids))


def _list_boxes(snapshot: Snapshot, ids: Sequence[int]) -> list[tuple[Box, ...]]:
    """For each picture, a box for each of its rows."""
    sizes = snapshot.sizes(ids)
    return [whole_and_regions(snapshot.encoder.regions, *sizes[id_]) for id_ in ids]


def _find_nth(scores: NDArray[np.float32], n: int) -> float:
    """The n-th highest score; -inf if there are fewer."""
    return float(-np.partition(-scores, n - 1)[n - 1]) if len(scores) >= n else -np.inf
