"""What retrieval asks of a store. `indexer.store.index.Index` is one; others (a server, shards) may follow."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.store.filters import Filters
from indexer.store.records import EncoderRecord, PictureRecord

__all__ = ["Snapshot", "Store"]


class Snapshot(Protocol):
    """A store at one moment: its vectors and its records agree."""

    @property
    def encoder(self) -> EncoderRecord:
        """The encoder that made the vectors."""

    @property
    def n_rows(self) -> int:
        """How many vectors there are, regions counted."""

    def candidates(
        self,
        queries: NDArray[np.float32],
        weights: NDArray[np.float32],
        n_pictures: int,
        allowed: NDArray[np.int64] | None = None,
    ) -> NDArray[np.int64]:
        """The pictures whose nearest rows promise most for all the queries (q, dim) together, by id: (n,).

        allowed: only these pictures count, whatever their share of the store is.
        """

    def matching(self, filters: Filters) -> NDArray[np.int64] | None:
        """The pictures that pass, by id, ascending; None where all do."""

    def sizes(self, ids: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Width and height of these pictures, in pixels."""

    def vectors_of(self, ids: Sequence[int]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """All vectors of pictures, some thousands of pictures at a time: a picture's id for each row, and the rows.

        Pictures come in ascending order of their ids; the rows (n, dim) of one stand together, its global vector first.
        """

    def pictures(self, ids: Sequence[int]) -> dict[int, PictureRecord]:
        """The records of these pictures; a picture that is gone is left out."""


class Store(Protocol):
    """Pictures and their vectors."""

    @property
    def place(self) -> Path:
        """Where it lies, for messages."""

    def snapshot(self) -> AbstractContextManager[Snapshot | None]:
        """The store at this moment; None if it holds nothing yet. Any number of threads may be inside."""
