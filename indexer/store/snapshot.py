"""A consistent state of an index: the catalog and its vectors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.store.catalog import Catalog
from indexer.store.estimator import Estimator
from indexer.store.filter_record import Filters
from indexer.store.records import EncoderRecord, PictureRecord, TextLine
from indexer.store.texts import WordMatches
from indexer.store.vectors import Estimates, Vectors

__all__ = ["IndexSnapshot"]


@dataclass(frozen=True, slots=True)
class IndexSnapshot:
    """A transaction of the catalog and its vectors. Implements indexer.store.protocol.Snapshot."""

    catalog: Catalog
    encoder: EncoderRecord
    vectors: Vectors
    estimator: Estimator | None = None

    @property
    def n_rows(self) -> int:
        """The number of vectors, including those of regions."""
        return self.vectors.n_rows

    def estimate(
        self,
        queries: NDArray[np.float32],
        weights: NDArray[np.float32],
        allowed: NDArray[np.int64] | None = None,
        least: float | None = None,
    ) -> Estimates:
        """Estimated scores of pictures, see `Vectors.estimate`."""
        if self.estimator is not None and self.vectors.candidates:  # without candidates a search is cheap anyway
            found = self.estimator.estimate(self.encoder.id, self.vectors, queries, weights, allowed, least)
            if found is not None:
                return found
        return self.vectors.estimate(queries, weights, allowed, least)

    def read_rows(self, ids: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """All vectors of these pictures from the files, see `Vectors.read`."""
        return self.vectors.read(ids)

    def matching(self, filters: Filters) -> NDArray[np.int64] | None:
        """The ids of the pictures that pass, ascending: (n,). None: all pictures."""
        return self.catalog.matching(filters)

    def sizes(self, ids: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Width and height of these pictures in pixels, by id."""
        return self.catalog.sizes(ids)

    def fingerprints(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The fingerprints of these pictures, by id."""
        return self.catalog.fingerprints(ids)

    def vectors_of(self, ids: Sequence[int]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """All vectors of these pictures, see `Catalog.vectors_of`."""
        return self.catalog.vectors_of(ids, self.encoder)

    def pictures(self, ids: Sequence[int]) -> dict[int, PictureRecord]:
        """The records of these pictures by id; ids that do not exist are left out."""
        return self.catalog.pictures(ids)

    def newest(self, filters: Filters, start: int, n: int) -> list[PictureRecord]:
        """`n` pictures that pass, from the `start`-th (0 is the first), newest first, undated ones last."""
        return self.catalog.newest(filters, start, n)

    def texts_of(self, ids: Sequence[int]) -> dict[int, list[TextLine]]:
        """The texts in and around these pictures, by id."""
        return self.catalog.texts_of(ids)

    def find_word(self, word: str, limit: int) -> WordMatches | None:
        """The pictures in whose texts a word stands; None: in more than `limit` texts."""
        return self.catalog.find_word(word, limit)

    def n_pictures(self) -> int:
        """The number of pictures, those with vectors: counted in memory."""
        return int(np.count_nonzero(self.vectors.is_picture))
