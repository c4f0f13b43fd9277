"""Pairs of pictures that may be copies, for the comparison of their pixels."""

import numpy as np
from numpy.typing import NDArray

from cosmos_search.explore.alignment import make_orientations

__all__ = ["find_pairs"]

PIXELS = 8  # a side, of the pictures that are compared
N_BY_PIXELS, N_BY_LAYOUT = 4, 4  # neighbours of each picture
MIN_CORRELATION = 0.7
MIN_COSINE = 0.6  # of layouts

Pairs = NDArray[np.int64]


def find_pairs(squares: NDArray[np.uint8], layouts: NDArray[np.float32]) -> Pairs:
    """Rows of pictures that may be copies: (m, 2), each pair once, the lower row first.

    Each picture with its nearest neighbours by pixels in any orientation, which finds pictures that are turned, gray or
    much smaller, and with those by layout, which finds cropped ones. Measured by benchmarks/quality/duplicates.py.
    squares: (n, side, side), luminance; layouts: (n, dim), unit rows.
    """
    if len(squares) < 2:
        return np.empty((0, 2), dtype=np.int64)
    pairs = np.sort(np.concatenate([_pair_by_layout(layouts), _pair_by_pixels(squares)]), axis=1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)


def _pair_by_layout(layouts: NDArray[np.float32]) -> Pairs:
    cosines, neighbours = _search(layouts, layouts, N_BY_LAYOUT + 1)
    rows, ranks = np.nonzero(cosines >= MIN_COSINE)
    return np.stack([rows, neighbours[rows, ranks]], axis=1)


def _pair_by_pixels(squares: NDArray[np.uint8]) -> Pairs:
    """The neighbours by the correlation of pixels, over all orientations of a picture."""
    described = np.stack([_describe(square) for square in squares])  # (n, 8, PIXELS²)
    plain = np.ascontiguousarray(described[:, 0])
    answers = [_search(plain, described[:, turn], N_BY_PIXELS + 1) for turn in range(described.shape[1])]
    neighbours = np.concatenate([places for _, places in answers], axis=1)
    itself = neighbours == np.arange(len(squares))[:, None]
    correlations = np.where(itself, -1, np.concatenate([found for found, _ in answers], axis=1))
    best = np.argsort(-correlations, axis=1)[:, : 2 * N_BY_PIXELS]  # a symmetric picture's neighbours stand twice
    first, ranks = np.nonzero(np.take_along_axis(correlations, best, axis=1) >= MIN_CORRELATION)
    return np.stack([first, neighbours[first, best[first, ranks]]], axis=1)


def _describe(square: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Very small versions in all orientations, with mean 0 and length 1: (8, PIXELS²)."""
    side = len(square) // PIXELS
    small = square.reshape(PIXELS, side, PIXELS, side).mean(axis=(1, 3))
    turned = make_orientations(small).reshape(-1, PIXELS**2)
    turned = turned - turned.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(turned, axis=1, keepdims=True)
    return np.asarray(turned / np.maximum(lengths, 1e-3), dtype=np.float32)


def _search(
    among: NDArray[np.float32], queries: NDArray[np.float32], n: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The `n` rows with the largest products for each query, and these products: both (queries, n)."""
    import faiss  # takes 40 ms, and this module is imported by every search

    index = faiss.IndexFlatIP(among.shape[1])
    index.add(np.ascontiguousarray(among))
    products, rows = index.search(np.ascontiguousarray(queries), min(n, len(among)))
    return products, rows
