"""Unit rows, and figures that compare vectors or scores."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["centred_cosine", "pair_auroc", "unit_rows"]


def unit_rows(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """The vectors along the last axis, scaled to length 1."""
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), dtype=np.float32)


def centred_cosine(exact: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """The mean cosine of corresponding rows, less the mean row of each matrix; both (n, dim).

    Networks with random weights give all pictures nearly the same vector, so plain cosines would all be close to 1.
    """
    a, b = (rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64) for rows in (exact, other))
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.mean((a * b).sum(axis=1) / np.maximum(norms, 1e-12)))


def pair_auroc(matching: NDArray[np.floating], others: NDArray[np.floating]) -> float:
    """The share of (matching, other) pairs of scores in which the matching one is higher; both (n,)."""
    order = np.sort(others)
    return float(np.searchsorted(order, matching).mean() / len(order))
