"""Vectors in FAISS, each under its picture's id. Everything here can be made again from the catalog."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import faiss
import numpy as np
from numpy.typing import NDArray

__all__ = ["VectorIndex"]


class VectorIndex:
    """Exact search by inner product over half-precision vectors."""

    is_mapped = False  # a mapped one can only be searched

    def __init__(self, dim: int) -> None:
        self._index: faiss.IndexIDMap
        flat = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        self._index = faiss.IndexIDMap(flat)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def ids(self) -> NDArray[np.int64]:
        """The pictures' ids, in the order they were added: (n,)."""
        ids: NDArray[np.int64] = faiss.vector_to_array(self._index.id_map)
        return ids

    def add(self, ids: Sequence[int], vectors: NDArray[np.float16]) -> None:
        """ids: (n,), none of them in already; vectors: (n, dim), unit rows."""
        assert not self.is_mapped
        self._index.add_with_ids(vectors.astype(np.float32), np.asarray(ids, dtype=np.int64))

    def remove(self, ids: NDArray[np.int64]) -> None:
        """Those of the ids (n,) that are in are taken out."""
        assert not self.is_mapped
        self._index.remove_ids(faiss.IDSelectorBatch(ids))

    def search(self, query: NDArray[np.float32], top: int) -> list[tuple[int, float]]:
        """The best `top` (id, cosine) for a unit vector (dim,), best first; equal scores by id."""
        if not len(self):
            return []
        scores, ids = self._index.search(query[None], min(top, len(self)))
        best = sorted(zip(-scores[0], ids[0], strict=True))
        return [(int(i), -float(s)) for s, i in best]

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
        loaded.is_mapped = mapped
        return loaded
