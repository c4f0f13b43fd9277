"""The vectors of pictures that were added after the files of an index were written."""

import tempfile
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, BinaryIO
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from indexer.store.picture_rows import PictureRows, append_rows, map_rows, widen

if TYPE_CHECKING:
    from indexer.store.candidates import CandidateIndex

__all__ = ["FreshVectors"]

TRAINING_ROWS = 10_000  # for the mean of the codes
CHUNK = 4000  # pictures


class FreshVectors:
    """Grows only: pictures that were removed stay. Its rows are in a temporary file, which uses no memory if it grows.

    What it returned before is not changed when it grows.
    """

    def __init__(self, dim: int) -> None:
        nothing = np.zeros(0, dtype=np.int64)
        self.rows = PictureRows(nothing, nothing, nothing, np.zeros((0, dim), dtype=np.float16))
        self.codes: CandidateIndex | None = None
        self._file: BinaryIO | None = None
        self._coded = nothing

    def add_rows(self, chunks: Iterable[tuple[NDArray[np.int64], NDArray[np.float16]]]) -> None:
        """Add pictures that are not here. chunks: see `append_rows`. Raises OSError if the disk is full."""
        old, dim = self.rows, self.rows.data.shape[1]
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  (it is needed as long as this object lives)
            finalize(self, self._file.close)
        ids, counts = append_rows(self._file, chunks)
        starts = len(old.data) + np.cumsum(counts) - counts
        order = np.argsort(np.concatenate([old.ids, ids]))
        joined = zip((old.ids, old.starts, old.counts), (ids, starts, counts), strict=True)
        ids, starts, counts = (np.concatenate(parts)[order] for parts in joined)
        self.rows = PictureRows(ids, starts, counts, map_rows(self._file, int(counts.sum()), dim))

    def add_codes(self, parts: Sequence[PictureRows]) -> "CandidateIndex":
        """Codes in a single list for these pictures, and for those of earlier calls."""
        from indexer.store.candidates import CandidateIndex

        missing = [(part, part.find(np.setdiff1d(part.ids, self._coded, assume_unique=True))) for part in parts]
        if not any(len(positions) for _, positions in missing) and self.codes is not None:
            return self.codes
        codes = self.codes.copy() if self.codes is not None else None
        for part, positions in missing:
            for start in range(0, len(positions), CHUNK):
                ids, rows = part.read(positions[start : start + CHUNK])
                if codes is None:
                    codes = CandidateIndex.train(widen(rows[:TRAINING_ROWS]), 1)
                codes.add(ids, rows)
            self._coded = np.union1d(self._coded, part.ids[positions])
        assert codes is not None, parts
        self.codes = codes
        return codes
