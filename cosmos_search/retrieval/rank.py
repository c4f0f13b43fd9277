"""Second step of a search: candidates from the store, and an exact score for each. It does not need the encoder."""

from collections.abc import Iterator, Sequence
from heapq import nsmallest

import numpy as np
from numpy.typing import NDArray

from cosmos_search.retrieval.encode import EncodedQuery
from cosmos_search.retrieval.scoring import EncodedTerm, PictureScore, combine_scores, score_pictures
from indexer.pictures.regions import Box, whole_and_regions
from indexer.store.filters import Filters
from indexer.store.protocol import Snapshot

__all__ = ["rank"]

# Number of pictures with exact scores: a minimum, and a share of the index, because otherwise the recall decreases
# (benchmarks/speed/latency.py; at 300,000 pictures 200 candidates gave 0.80, 400 0.98, 800 1.00).
MIN_CANDIDATES = 200
ROWS_PER_CANDIDATE = 6000


def rank(snapshot: Snapshot, encoded: EncodedQuery, top: int, filters: Filters | None = None) -> list[PictureScore]:
    """The `top` pictures with the highest scores, best first; equal scores are in the order of their ids."""
    candidates = _find_candidates(snapshot, encoded.terms, top, filters)
    best = _choose_best(snapshot, candidates, encoded.terms, top)
    scores = [
        score
        for ids, rows, starts in _read_rows(snapshot, best)
        for score in score_pictures(encoded.terms, ids, rows, starts, _list_boxes(snapshot, ids))
    ]
    return sorted(scores, key=lambda item: (-item.score, item.picture_id))


def _find_candidates(snapshot: Snapshot, terms: Sequence[EncodedTerm], top: int, filters: Filters | None) -> list[int]:
    """Ids of the pictures to score exactly, by approximate search."""
    wanted = [term for term in terms if not term.is_negative]
    queries, weights = np.stack([t.vector for t in wanted]), np.array([t.weight for t in wanted], dtype=np.float32)
    allowed = snapshot.matching(filters) if filters is not None else None
    n_pictures = max(MIN_CANDIDATES, 5 * top, snapshot.n_rows // ROWS_PER_CANDIDATE)
    ids: list[int] = snapshot.candidates(queries, weights, n_pictures, allowed).tolist()
    return ids


def _choose_best(snapshot: Snapshot, candidates: Sequence[int], terms: Sequence[EncodedTerm], top: int) -> list[int]:
    """The ids of the `top` candidates with the highest exact scores, from the stored vectors."""
    has_places = any(term.place is not None for term in terms)
    scores: list[tuple[float, int]] = []
    for ids, rows, starts in _read_rows(snapshot, candidates):
        found = combine_scores(terms, rows, starts, _list_boxes(snapshot, ids) if has_places else None)
        scores += zip((-found).tolist(), ids, strict=True)
    return [id_ for _, id_ in nsmallest(top, scores)]


def _read_rows(
    snapshot: Snapshot, ids: Sequence[int]
) -> Iterator[tuple[list[int], NDArray[np.float32], NDArray[np.int64]]]:
    """In chunks: ids in ascending order, all their rows (n, dim), and the first row of each picture."""
    for row_ids, data in snapshot.vectors_of(ids):
        found, starts = np.unique(row_ids, return_index=True)
        yield found.tolist(), data.astype(np.float32), starts


def _list_boxes(snapshot: Snapshot, ids: Sequence[int]) -> list[tuple[Box, ...]]:
    """For each picture, a box for each of its rows."""
    sizes = snapshot.sizes(ids)
    return [whole_and_regions(snapshot.encoder.regions, *sizes[id_]) for id_ in ids]
