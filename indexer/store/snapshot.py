"""A consistent state of an index, and the candidates for a query."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.store.catalog import Catalog
from indexer.store.filters import Filters
from indexer.store.records import EncoderRecord, PictureRecord
from indexer.store.vectors import VectorIndex

__all__ = ["IndexSnapshot"]

ROWS_A_CANDIDATE = 10  # rows to find for one candidate: several regions of a picture may be near a query


@dataclass(frozen=True, slots=True)
class IndexSnapshot:
    """A transaction of the catalog and its vectors. Implements indexer.store.protocol.Snapshot."""

    catalog: Catalog
    encoder: EncoderRecord
    vectors: VectorIndex

    @property
    def n_rows(self) -> int:
        """The number of vectors, including those of regions."""
        return len(self.vectors)

    def candidates(
        self,
        queries: NDArray[np.float32],
        weights: NDArray[np.float32],
        n_pictures: int,
        allowed: NDArray[np.int64] | None = None,
    ) -> NDArray[np.int64]:
        """The ids of the pictures with the highest approximate scores for queries (q, dim), ascending: (n,).

        weights: (q,), of the queries in the score. allowed: only these pictures. At most `n_pictures` of them are all
        candidates; with more, the search is repeated with more rows until it has found enough.
        """
        if allowed is not None and len(allowed) <= n_pictures:
            return allowed
        n_rows = ROWS_A_CANDIDATE * n_pictures
        while True:
            ids, totals = _score_candidates(*self.vectors.search(queries, n_rows), weights)
            if allowed is not None:
                passes = np.isin(ids, allowed)
                ids, totals = ids[passes], totals[passes]
            if allowed is None or n_rows >= len(self.vectors) or len(ids) >= n_pictures:
                return np.sort(ids[np.argsort(-totals, kind="stable")[:n_pictures]])
            n_rows *= 8

    def matching(self, filters: Filters) -> NDArray[np.int64] | None:
        """The ids of the pictures that pass, ascending: (n,). None: all pictures."""
        return self.catalog.matching(filters)

    def sizes(self, ids: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Width and height of these pictures in pixels, by id."""
        return self.catalog.sizes(ids)

    def vectors_of(self, ids: Sequence[int]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """All vectors of these pictures, see `Catalog.vectors_of`."""
        return self.catalog.vectors_of(ids, self.encoder)

    def pictures(self, ids: Sequence[int]) -> dict[int, PictureRecord]:
        """The records of these pictures by id; ids that do not exist are left out."""
        return self.catalog.pictures(ids)


def _score_candidates(
    scores: NDArray[np.float32], ids: NDArray[np.int64], weights: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The pictures in search results, and for each the weighted sum of its best score for each query.

    scores, ids: (q, rows); weights: (q,). A query whose results lack a picture adds the lowest score in them.
    """
    pictures, places = np.unique(ids, return_inverse=True)
    total = np.zeros(len(pictures), dtype=np.float32)
    for row, where, weight in zip(scores, places.reshape(ids.shape), weights, strict=True):
        best = np.full(len(pictures), row.min() if len(row) else 0.0, dtype=np.float32)
        np.maximum.at(best, where, row)
        total += weight * best
    return pictures, total
