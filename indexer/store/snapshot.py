"""An index at one moment, and the candidates that its vectors propose for a query."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.store.catalog import Catalog
from indexer.store.records import EncoderRecord
from indexer.store.vectors import VectorIndex

__all__ = ["Snapshot"]

ROWS_A_CANDIDATE = 10  # of one picture several regions may be near a query


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An index at one moment: what it finds and what the catalog says of it agree."""

    catalog: Catalog
    encoder: EncoderRecord
    vectors: VectorIndex

    def candidates(
        self,
        queries: NDArray[np.float32],
        weights: NDArray[np.float32],
        n_pictures: int,
        allowed: NDArray[np.int64] | None = None,
    ) -> NDArray[np.int64]:
        """The pictures whose nearest rows promise most for all the queries (q, dim) together, by id: (n,).

        allowed: only these pictures count. They are found whatever their share of the index is: few of them are
        all candidates, and for more the search widens until it has found enough.
        """
        if allowed is not None and len(allowed) <= n_pictures:
            return allowed
        n_rows = ROWS_A_CANDIDATE * n_pictures
        while True:
            ids, promise = _promises(*self.vectors.search(queries, n_rows), weights)
            if allowed is not None:
                passes = np.isin(ids, allowed)
                ids, promise = ids[passes], promise[passes]
            if allowed is None or n_rows >= len(self.vectors) or len(ids) >= n_pictures:
                return np.sort(ids[np.argsort(-promise, kind="stable")[:n_pictures]])
            n_rows *= 8


def _promises(
    scores: NDArray[np.float32], ids: NDArray[np.int64], weights: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Each picture found, and the weighted sum of its best rows; a query that didn't find it counts its last score."""
    pictures, places = np.unique(ids, return_inverse=True)
    total = np.zeros(len(pictures), dtype=np.float32)
    for row, where, weight in zip(scores, places.reshape(ids.shape), weights, strict=True):
        best = np.full(len(pictures), row.min() if len(row) else 0.0, dtype=np.float32)
        np.maximum.at(best, where, row)
        total += weight * best
    return pictures, total
