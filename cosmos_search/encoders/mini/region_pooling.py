"""Pooling the features of regions and of neighbourhoods from a map of features over the whole picture."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from indexer.pictures.regions import Box

__all__ = ["compute_region_shares", "pool_neighbours"]


@lru_cache(maxsize=256)  # pictures of one shape have the same regions
def compute_region_shares(regions: tuple[Box, ...], rows: int, columns: int) -> NDArray[np.float32]:
    """The share of each region in each cell of a grid: (regions, rows · columns), the sum of each row is 1."""
    return np.stack([_cell_shares(box, rows, columns) for box in regions])


def pool_neighbours(feature_map: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean over 3×3 positions at each one; beyond the edge the map continues with its edge: the same shape."""
    rows, columns, _ = feature_map.shape
    padded = np.pad(feature_map, ((1, 1), (1, 1), (0, 0)), mode="edge")
    total = np.zeros_like(feature_map)
    for i in range(3):
        for j in range(3):
            total += padded[i : i + rows, j : j + columns]
    total /= 9
    return total


def _cell_shares(box: Box, rows: int, columns: int) -> NDArray[np.float32]:
    """The share of a box in each cell of a grid: (rows · columns,), sum 1."""
    down = _overlaps(box.top, box.bottom, rows)
    across = _overlaps(box.left, box.right, columns)
    shares: NDArray[np.float32] = (down[:, None] * across).ravel()
    return shares


def _overlaps(start: float, end: float, n: int) -> NDArray[np.float32]:
    """The share of an interval of 0..1 in each of n equal cells: (n,), sum 1."""
    edges = np.arange(n + 1) / n
    lengths = np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], start), 0, None)
    shares: NDArray[np.float32] = (lengths / lengths.sum()).astype(np.float32)
    return shares
