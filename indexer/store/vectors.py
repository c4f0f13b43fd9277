"""Search vectors with FAISS. Each row has its picture's id. The index can be created from the catalog at any time."""

import os
import struct
import tempfile
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.cores import available_cores

__all__ = ["EXACT_ROWS", "VectorIndex"]

EXACT_ROWS = 150_000  # with more, one-bit codes find the candidates (benchmarks/speed/latency.py)
SHARED_WORK = 2_000_000  # queries × rows; a larger search uses all cores, a smaller one uses one core
TRAINING_ROWS = 10_000  # for the mean of the one-bit codes
# Appended to FAISS's bytes, which FAISS does not check: magic, their number, their CRC-32, the catalog's version.
FOOTER = struct.Struct("<8sQIQ")
MAGIC = b"COSMVEC1"
PIECE_BYTES = 1 << 22


class VectorIndex:
    """Search by inner product: exact with half-precision rows, or approximate with one-bit codes in a tenth
    of the memory.

    One-bit codes (RaBitQ, Gao and Long 2024) only find candidates, which the caller scores again with the stored
    vectors. A picture may have several rows. Any number of threads may search, but not during `add` and `remove`.
    """

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
        """The picture of each row, in the order in which they were added: (n,)."""
        ids: NDArray[np.int64] = faiss.vector_to_array(self._index.id_map)
        return ids

    def add(self, ids: NDArray[np.int64], vectors: NDArray[np.float16]) -> None:
        """Add rows. ids: (n,), of their pictures; vectors: (n, dim), unit rows."""
        rows = vectors.astype(np.float32)
        if not self._index.is_trained:
            self._index.train(rows[:TRAINING_ROWS])
        self._index.add_with_ids(rows, ids)

    def remove(self, ids: NDArray[np.int64]) -> None:
        """Remove all rows of these pictures. ids: (n,)."""
        if len(ids):
            self._index.remove_ids(faiss.IDSelectorBatch(ids))

    def search(self, queries: NDArray[np.float32], n_rows: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The rows with the highest scores for each query (q, dim): scores and picture ids, (q, n_rows), best first.

        At most the number of rows that there are. The scores of a compact index are estimates.
        """
        n_rows = min(n_rows, len(self))
        if not n_rows:
            return np.zeros((len(queries), 0), dtype=np.float32), np.zeros((len(queries), 0), dtype=np.int64)
        is_long = len(queries) * len(self) > SHARED_WORK
        faiss.omp_set_num_threads(available_cores() if is_long else 1)  # for calls in this thread
        scores, ids = self._index.search(np.ascontiguousarray(queries), n_rows)
        return scores, ids

    def copy(self) -> "VectorIndex":
        """A copy, which can be changed while this one is searched."""
        copied = VectorIndex.__new__(VectorIndex)
        copied.is_compact = self.is_compact
        content = faiss.serialize_index(self._index)  # clone_index does not support all types
        copied._index = cast(faiss.IndexIDMap, faiss.deserialize_index(content))
        return copied

    def save(self, path: Path, version: int) -> None:
        """Write a file, with the version of the catalog. Raises OSError and removes the partial file then.

        It is written beside the path and renamed, so that readers see either the old or the new file.
        """
        descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}-", suffix=".partial")
        try:
            with os.fdopen(descriptor, "wb") as file:
                self._write(file, version)
                os.fsync(file.fileno())
            os.replace(partial, path)  # noqa: PTH105
        except BaseException:
            os.unlink(partial)  # noqa: PTH108
            raise

    @classmethod
    def load(cls, path: Path, dim: int) -> tuple["VectorIndex", int]:
        """Read a saved index and its version. Raises ValueError if it is damaged, OSError if it can't be read.

        The checksum is verified first, because FAISS crashes on damaged files. The file is read, not mapped: with a
        mapping, later changes of the file would be visible, and if it is shortened, the process ends with SIGBUS.
        """
        with path.open("rb") as file:
            version = _verify(file)
            loaded = cls.__new__(cls)
            # By its descriptor, so that it is the verified file; also, FAISS supports only UTF-8 paths.
            loaded._index = cast(faiss.IndexIDMap, faiss.read_index(f"/dev/fd/{file.fileno()}"))
        if loaded._index.d != dim or len(loaded.ids) != len(loaded):
            raise ValueError(f"{path} has {len(loaded)} rows of {loaded._index.d} numbers, not of {dim}")
        loaded.is_compact = not isinstance(faiss.downcast_index(loaded._index.index), faiss.IndexScalarQuantizer)
        faiss.omp_set_num_threads(available_cores())
        return loaded, version

    def _write(self, file: BinaryIO, version: int) -> None:
        n_bytes = checksum = 0

        def write(piece: bytes) -> None:
            nonlocal n_bytes, checksum
            file.write(piece)
            n_bytes, checksum = n_bytes + len(piece), zlib.crc32(piece, checksum)

        faiss.write_index(self._index, faiss.PyCallbackIOWriter(write))  # type: ignore[attr-defined]
        file.write(FOOTER.pack(MAGIC, n_bytes, checksum, version))
        file.flush()


def _verify(file: BinaryIO) -> int:
    """The version in a file's footer. Raises ValueError if the checksum or the length differs from it."""
    size = os.fstat(file.fileno()).st_size
    if size <= FOOTER.size:
        raise ValueError("too short")
    file.seek(-FOOTER.size, os.SEEK_END)
    magic, n_bytes, checksum, version = FOOTER.unpack(file.read())
    if magic != MAGIC or n_bytes != size - FOOTER.size:
        raise ValueError("no footer")
    file.seek(0)
    found, remaining = 0, n_bytes
    while remaining and (piece := file.read(min(PIECE_BYTES, remaining))):
        found, remaining = zlib.crc32(piece, found), remaining - len(piece)
    if remaining or found != checksum:
        raise ValueError("wrong checksum")
    return int(version)
