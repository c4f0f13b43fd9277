"""Vectors as the catalog stores them: little-endian half-precision rows of length 1."""

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["unpack_rows"]

MAX_BITS = 0x3C01  # of a half-precision number of size 1, and a rounding step; infinity and NaN have more

log = logging.getLogger(__name__)


def unpack_rows(blobs: Sequence[bytes], dim: int) -> NDArray[np.float16]:
    """The rows of all blobs: (n, dim).

    A row with a number that no row of length 1 can hold is damaged; it becomes 0 and matches nothing.
    """
    rows = np.frombuffer(b"".join(blobs), dtype="<f2").reshape(-1, dim)
    is_damaged = np.any((rows.view("<u2") & 0x7FFF) > MAX_BITS, axis=1)
    if is_damaged.any():
        log.warning("%d vectors in the index are damaged and match nothing.", int(is_damaged.sum()))
        rows = np.where(is_damaged[:, None], np.float16(0), rows)
    return rows
