"""Second step of a search: candidates from the store, and an exact score for each. It needs no encoder."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cosmos_search.retrieval.encode import EncodedQuery
from cosmos_search.retrieval.scoring import EncodedTerm, PictureScore, score_pictures
from indexer.pictures.regions import whole_and_regions
from indexer.store.filters import Filters
from indexer.store.protocol import Snapshot

__all__ = ["rank"]

# Pictures that are scored exactly: so many at least, and more the more there are, or the recall falls
# (benchmarks/speed/latency.py; at 300,000 pictures 200 candidates gave 0.80, 400 0.98, 800 1.00).
MIN_CANDIDATES = 200
ROWS_FOR_ONE = 6000


def rank(snapshot: Snapshot, encoded: EncodedQuery, top: int, filters: Filters | None = None) -> list[PictureScore]:
    """The `top` pictures with the highest scores, best first; equal scores are in the order of their ids."""
    candidates = _find_candidates(snapshot, encoded.terms, top, filters)
    scores = _score_exactly(snapshot, candidates, encoded.terms)
    return sorted(scores, key=lambda item: (-item.score, item.picture_id))[:top]


def _find_candidates(
    snapshot: Snapshot, terms: Sequence[EncodedTerm], top: int, filters: Filters | None
) -> NDArray[np.int64]:
    """The pictures that are worth an exact score, by id."""
    wanted = [term for term in terms if not term.is_negative]
    queries, weights = np.stack([t.vector for t in wanted]), np.array([t.weight for t in wanted], dtype=np.float32)
    allowed = snapshot.matching(filters) if filters is not None else None
    n_pictures = max(MIN_CANDIDATES, 5 * top, snapshot.n_rows // ROWS_FOR_ONE)
    return snapshot.candidates(queries, weights, n_pictures, allowed)


def _score_exactly(
    snapshot: Snapshot, candidates: NDArray[np.int64], terms: Sequence[EncodedTerm]
) -> list[PictureScore]:
    """Each candidate's exact score, from the stored vectors."""
    sizes = snapshot.sizes(candidates.tolist())
    scores: list[PictureScore] = []
    for row_ids, data in snapshot.vectors_of(candidates.tolist()):
        ids, starts = np.unique(row_ids, return_index=True)
        boxes = [whole_and_regions(snapshot.encoder.regions, *sizes[int(id_)]) for id_ in ids]
        scores += score_pictures(terms, ids.tolist(), data.astype(np.float32), starts, boxes)
    return scores
