"""Vectors in FAISS, each row under its picture's id. Everything here can be made again from the catalog."""

import os
from pathlib import Path
from typing import cast

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.cores import available_cores

__all__ = ["EXACT_ROWS", "VectorIndex"]

EXACT_ROWS = 150_000  # above this one bit a number finds the candidates (benchmarks/latency.py)
TRAINING_ROWS = 10_000  # of which the one-bit codes take their mean


class VectorIndex:
    """Search by inner product: exact over half-precision rows, or among one-bit codes with a tenth of the memory.

    One-bit codes (RaBitQ, Gao and Long 2024) only find candidates; whoever asks scores them again from the stored
    vectors. A picture may have several rows.
    """

    is_mapped = False  # a mapped one can only be searched

    def __init__(self, dim: int, *, is_compact: bool = False) -> None:
        metric = faiss.METRIC_INNER_PRODUCT
        self.is_compact = is_compact
        flat = (
            faiss.IndexRaBitQFastScan(dim, metric)
            if is_compact
            else faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, metric)
        )
        self._index = faiss.IndexIDMap(flat)
        faiss.omp_set_num_threads(available_cores())

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def ids(self) -> NDArray[np.int64]:
        """The picture of each row, in the order they were added: (n,)."""
        ids: NDArray[np.int64] = faiss.vector_to_array(self._index.id_map)
        return ids

    def add(self, ids: NDArray[np.int64], vectors: NDArray[np.float16]) -> None:
        """ids: (n,); vectors: (n, dim), unit rows."""
        assert not self.is_mapped
        rows = vectors.astype(np.float32)
        if not self._index.is_trained:
            self._index.train(rows[:TRAINING_ROWS])
        self._index.add_with_ids(rows, ids)

    def remove(self, ids: NDArray[np.int64]) -> None:
        """All rows of these pictures (n,) are taken out."""
        assert not self.is_mapped
        if len(ids):
            self._index.remove_ids(faiss.IDSelectorBatch(ids))

    def search(self, queries: NDArray[np.float32], n_rows: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The nearest rows of each query (q, dim): scores and pictures' ids, both (q, n_rows), best first.

        Where there are fewer rows, n_rows is their number. Scores of a compact index are estimates.
        """
        n_rows = min(n_rows, len(self))
        if not n_rows:
            return np.zeros((len(queries), 0), dtype=np.float32), np.zeros((len(queries), 0), dtype=np.int64)
        scores, ids = self._index.search(np.ascontiguousarray(queries), n_rows)
        return scores, ids

    def save(self, path: Path) -> None:
        """Written beside and renamed: a reader finds the old file or the new one, never a part."""
        partial = path.with_name(path.name + ".partial")
        faiss.write_index(self._index, str(partial))
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)

    @classmethod
    def load(cls, path: Path, *, mapped: bool = False) -> "VectorIndex":
        """Read from a file; mapping costs no reading. Raises RuntimeError if it is damaged or gone."""
        flags = faiss.IO_FLAG_MMAP_IFC if mapped else 0
        loaded = cls.__new__(cls)
        loaded._index = cast(faiss.IndexIDMap, faiss.read_index(str(path), flags))
        loaded.is_compact = not isinstance(faiss.downcast_index(loaded._index.index), faiss.IndexScalarQuantizer)
        loaded.is_mapped = mapped
        faiss.omp_set_num_threads(available_cores())
        return loaded
