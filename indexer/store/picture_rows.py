"""All vectors of pictures in one array, which may be a memory-mapped file."""

from collections.abc import Iterable
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["PictureRows", "append_rows", "find_starts", "map_rows", "widen"]


class PictureRows:
    """The rows of pictures, those of one picture adjacent: its global vector, then those of its regions."""

    def __init__(
        self, ids: NDArray[np.int64], starts: NDArray[np.int64], counts: NDArray[np.int64], data: NDArray[np.float16]
    ) -> None:
        """ids: (n,), ascending; starts, counts: (n,), the first row and the number of rows; data: (rows, dim)."""
        self.ids, self.starts, self.counts, self.data = ids, starts, counts, data

    def find(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The positions of those of these pictures that are here: (m,). ids: (n,), ascending."""
        if not len(self.ids):
            return np.zeros(0, dtype=np.int64)
        positions = np.searchsorted(self.ids, ids)
        positions[positions == len(self.ids)] = 0
        found: NDArray[np.int64] = positions[self.ids[positions] == ids]
        return found

    def read(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
        """The picture of each row (m,), and the rows (m, dim), of the pictures at these positions."""
        counts = self.counts[positions]
        first = np.cumsum(counts) - counts  # of each picture, in the result
        rows = np.arange(counts.sum()) + np.repeat(self.starts[positions] - first, counts)
        return np.repeat(self.ids[positions], counts), np.take(
            self.data, rows, axis=0
        )  # without the lock of the interpreter

    def keep(self, ids: NDArray[np.int64]) -> "PictureRows":
        """Those of these pictures that are here, with the same data. ids: (n,), ascending."""
        positions = self.find(ids)
        return PictureRows(self.ids[positions], self.starts[positions], self.counts[positions], self.data)


def append_rows(
    file: BinaryIO, chunks: Iterable[tuple[NDArray[np.int64], NDArray[np.float16]]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Write rows at the end of a file. Returns the pictures and their numbers of rows, in order: (n,), (n,).

    chunks: the picture of each row, and the rows; the rows of a picture are adjacent.
    """
    ids, counts = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for row_ids, rows in chunks:
        starts = find_starts(row_ids)
        ids.append(row_ids[starts])
        counts.append(np.diff(starts, append=len(row_ids)))
        file.write(np.ascontiguousarray(rows, dtype="<f2").data)
    file.flush()
    return np.concatenate(ids), np.concatenate(counts)


def find_starts(row_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first row of each picture: (pictures,). row_ids: (n,), the rows of a picture are adjacent."""
    starts: NDArray[np.int64] = np.flatnonzero(np.diff(row_ids, prepend=-1))
    return starts


def map_rows(file: BinaryIO, n_rows: int, dim: int) -> NDArray[np.float16]:
    """The first rows of a file, memory-mapped: (n_rows, dim). Raises ValueError if it is shorter."""
    if not n_rows:
        return np.zeros((0, dim), dtype=np.float16)
    return np.asarray(np.memmap(file, dtype="<f2", mode="r", shape=(n_rows, dim)))


def widen(rows: NDArray[np.float16]) -> NDArray[np.float32]:
    """The same numbers in single precision, six times as fast as `astype`; infinity and NaN become large numbers.

    The bits of a half-precision number, moved to their places, are those of the number times 2**-112.
    """
    bits = np.left_shift(rows.view(np.int16), 13, dtype=np.int32)
    np.bitwise_and(bits, np.int32(-0x70002000), out=bits)  # without the copies of the sign in the exponent
    wide = bits.view(np.float32)
    wide *= np.float32(2.0**112)
    return wide
