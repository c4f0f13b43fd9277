"""The logits of regions and of neighbourhoods, pooled from a map of logits over the whole picture."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from indexer.pictures.regions import Box

__all__ = ["pool_neighbours", "pool_regions"]


def pool_regions(feature_map: NDArray[np.float32], regions: Sequence[Box]) -> NDArray[np.float32]:
    """feature_map: (rows, columns, features). Returns (regions, features), n above 0.

    The mean over the positions in each box; a position on its edge counts by the share of its cell in the box.
    """
    rows, columns, n_features = feature_map.shape
    shares = _region_shares(tuple(regions), rows, columns)
    pooled: NDArray[np.float32] = shares @ feature_map.reshape(rows * columns, n_features)
    return pooled


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


@lru_cache(maxsize=256)  # pictures of one shape have the same regions
def _region_shares(regions: tuple[Box, ...], rows: int, columns: int) -> NDArray[np.float32]:
    """The share of each region in each cell: (regions, rows · columns)."""
    return np.stack([_cell_shares(box, rows, columns) for box in regions])


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
