"""An index at one moment, and the candidates that its vectors propose for a query."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.store.catalog import Catalog
from indexer.store.filters import Filters
from indexer.store.records import EncoderRecord, PictureRecord
from indexer.store.vectors import VectorIndex

__all__ = ["IndexSnapshot"]

ROWS_A_CANDIDATE = 10  # of one picture several regions may be near a query


@dataclass(frozen=True, slots=True)
class IndexSnapshot:
    """A Snapshot (see indexer.store.protocol): a transaction of the catalog, and the vectors that belong to it."""

    catalog: Catalog
    encoder: EncoderRecord
    vectors: VectorIndex

    @property
    def n_rows(self) -> int:
        """How many vectors there are, regions counted."""
        return len(self.vectors)

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
            ids, totals = _candidate_scores(*self.vectors.search(queries, n_rows), weights)
            if allowed is not None:
                passes = np.isin(ids, allowed)
                ids, totals = ids[passes], totals[passes]
            if allowed is None or n_rows >= len(self.vectors) or len(ids) >= n_pictures:
                return np.sort(ids[np.argsort(-totals, kind="stable")[:n_pictures]])
            n_rows *= 8

    def matching(self, filters: Filters) -> NDArray[np.int64] | None:
        """The pictures that pass, by id, ascending; None where all do."""
        return self.catalog.matching(filters)

    def sizes(self, ids: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Width and height of these pictures, in pixels."""
        return self.catalog.sizes(ids)

    def vectors_of(self, ids: Sequence[int]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """All vectors of these pictures, as `Catalog.vectors_of` gives them."""
        return self.catalog.vectors_of(ids, self.encoder)

    def pictures(self, ids: Sequence[int]) -> dict[int, PictureRecord]:
        """The records of these pictures; a picture that is gone is left out."""
        return self.catalog.pictures(ids)


def _candidate_scores(
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
