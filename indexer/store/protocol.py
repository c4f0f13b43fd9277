"""The interface of a store for retrieval, implemented by `indexer.store.index.Index`."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.places import Place
from indexer.store.filter_record import Filters
from indexer.store.records import EncoderRecord, PictureRecord, TextLine
from indexer.store.texts import WordMatches
from indexer.store.vectors import Estimates

__all__ = ["Records", "Snapshot", "Store"]


class Records(Protocol):
    """The records of pictures."""

    @property
    def encoder(self) -> EncoderRecord:
        """The encoder that made the vectors."""

    def n_pictures(self) -> int:
        """The number of pictures."""

    def pictures(self, ids: Sequence[int]) -> dict[int, PictureRecord]:
        """The records of these pictures by id; ids that do not exist are left out."""

    def newest(self, filters: Filters, start: int, n: int) -> list[PictureRecord]:
        """`n` pictures that pass, from the `start`-th (0 is the first), newest first, undated ones last."""

    def texts_of(self, ids: Sequence[int]) -> dict[int, list[TextLine]]:
        """The texts in and around these pictures, by id; pictures without texts are left out."""

    def find_word(self, word: str, limit: int) -> WordMatches | None:
        """The pictures in whose texts a word stands; None: in more than `limit` texts."""


class Snapshot(Records, Protocol):
    """A consistent state of a store: its vectors belong to its records."""

    @property
    def n_rows(self) -> int:
        """The number of vectors, including those of regions."""

    def estimate(
        self,
        queries: NDArray[np.float32],
        weights: NDArray[np.float32],
        allowed: NDArray[np.int64] | None = None,
        least: float | None = None,
    ) -> Estimates:
        """Estimated scores of pictures: the most promising ones, or all that may have a score of `least`.

        queries: (q, dim), unit rows; weights: (q,), of the best cosine for each query in the score, with a sum of 1.
        allowed: only these pictures, ascending: (n,).
        """

    def read_rows(self, ids: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """All vectors of these pictures, in chunks: the picture's id for each row, the rows. ids: (n,), ascending.

        The rows (m, dim) of one picture are adjacent: its global vector, then those of its regions. Faster than
        `vectors_of`, but not from the database: a damaged file may give wrong rows.
        """

    def fingerprints(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The fingerprints of these pictures, by id."""

    def matching(self, filters: Filters) -> NDArray[np.int64] | None:
        """The ids of the pictures that pass, ascending: (n,). None: all pictures."""

    def sizes(self, ids: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Width and height of these pictures in pixels, by id."""

    def vectors_of(self, ids: Sequence[int]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """All vectors of these pictures from the database, in chunks: the picture's id for each row, the rows.

        Ascending by id; the rows (n, dim) of one picture are adjacent: its global vector, then those of its regions.
        """


class Store(Protocol):
    """Pictures and their vectors."""

    @property
    def place(self) -> Place:
        """Its location, for messages."""

    def snapshot(self) -> AbstractContextManager[Snapshot | None]:
        """The current state; None if the store is new. Any number of threads may be inside."""
