"""The layout of a map: landmarks with positions, to which other pictures are added without moving any.

Positions: t-SNE of the principal components of at most N_LANDMARKS pictures; each other picture lies between the
landmarks that are most similar to it. Clusters: k-means of the landmarks. So a new picture takes microseconds, and
pictures stay where they were when others are added.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosmos_search.explore.tsne import compute_distances, embed_rows

__all__ = ["MapLayout", "fit_layout", "sample_evenly"]

N_LANDMARKS = 1200  # take 2 s; the time grows with the square
N_COMPONENTS = 50  # principal components before t-SNE, as van der Maaten and Hinton chose
PERPLEXITY = 30.0
MIN_FOR_TSNE = 5  # pictures; with fewer, all are neighbours of each other
N_NEAREST = 4  # landmarks between which a picture lies; with 6 and 10, neighbours are less often neighbours on the map
CLUSTERS_PER_ROOT = 1.5  # with 1.0, 450 photo stamps had a region of drums, buttons and chocolate eggs
N_STARTS, N_ROUNDS = 4, 25  # of k-means
GOLDEN = (math.sqrt(5) - 1) / 2
BLOCK = 4096


@dataclass(frozen=True, slots=True)
class MapLayout:
    """All that places a picture on the map. c: number of components, l: of landmarks, k: of clusters."""

    mean: NDArray[np.float32]  # (dim,), of the vectors
    axes: NDArray[np.float32]  # (dim, c), principal axes
    landmarks: NDArray[np.float32]  # (l, c), their components
    positions: NDArray[np.float32]  # (l, 2), 0..1
    centres: NDArray[np.float32]  # (k, c), of the clusters
    means: NDArray[np.float32]  # (k, dim), mean vectors of the clusters

    def place(self, vectors: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Positions (n, 2) and clusters (n,) of unit rows (n, dim)."""
        blocks = [
            self._place_block(np.asarray((block - self.mean) @ self.axes, dtype=np.float32))
            for block in _split(vectors)
        ]
        positions = np.concatenate([position for position, _ in blocks])
        return positions, np.concatenate([clusters for _, clusters in blocks])

    def _place_block(self, rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Weights fall with the distance beyond the nearest landmark, so a landmark itself stays at its position."""
        distances = compute_distances(rows, self.landmarks)
        n_nearest = min(N_NEAREST, len(self.landmarks))
        nearest = np.argpartition(distances, n_nearest - 1, axis=1)[:, :n_nearest]
        farther = np.take_along_axis(distances, nearest, axis=1)
        least = farther.min(axis=1, keepdims=True)
        scale = np.minimum((farther.mean(axis=1, keepdims=True) - least) / 2, least) + 1e-9
        weights = np.exp(-(farther - least) / scale)
        weights /= weights.sum(axis=1, keepdims=True)
        positions = (self.positions[nearest] * weights[..., None]).sum(axis=1)
        return positions, compute_distances(rows, self.centres).argmin(axis=1)


def fit_layout(vectors: NDArray[np.float32]) -> MapLayout:
    """The layout of unit rows (n, dim). It is deterministic."""
    mean = vectors.mean(axis=0)
    axes = _compute_axes(vectors - mean)
    chosen = vectors[sample_evenly(np.arange(len(vectors)), N_LANDMARKS)]
    landmarks = (chosen - mean) @ axes
    labels = _find_clusters(landmarks)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    centres = np.stack([landmarks[rows].mean(axis=0) for rows in members])
    means = np.stack([chosen[rows].mean(axis=0) for rows in members])
    return MapLayout(mean, axes, landmarks, _compute_positions(landmarks), centres, means)


def sample_evenly(ids: NDArray[np.int64], at_most: int) -> NDArray[np.int64]:
    """At most `at_most` of these ids, ascending, at even distances; most of them stay if others are added.

    The multiples of the golden ratio are spread evenly between whole numbers, however many there are.
    """
    return np.sort(ids[np.argsort(ids * GOLDEN % 1, kind="stable")[:at_most]])


def _split(rows: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    return (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))


def _compute_axes(centred: NDArray[np.float32]) -> NDArray[np.float32]:
    """Principal axes of rows (n, dim), by descending variance: (dim, up to N_COMPONENTS)."""
    _, axes = np.linalg.eigh(centred.T @ centred)  # ascending
    return np.asarray(axes[:, ::-1][:, :N_COMPONENTS])


def _compute_positions(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Position of each landmark (l, c) on the map: (l, 2), 0..1."""
    flat = np.pad(landmarks[:, :2], ((0, 0), (0, max(0, 2 - landmarks.shape[1]))))
    if len(landmarks) >= MIN_FOR_TSNE:
        flat = embed_rows(landmarks, flat, PERPLEXITY)
    lowest, span = flat.min(axis=0), np.ptp(flat, axis=0)
    return np.where(span > 0, (flat - lowest) / np.where(span > 0, span, 1), 0.5).astype(np.float32)


def _find_clusters(rows: NDArray[np.float32]) -> NDArray[np.int64]:
    """The cluster of each row (n, c), by k-means: (n,). The best of N_STARTS starts (k-means++)."""
    n_distinct = len(np.unique(rows.round(5), axis=0))
    k = max(1, min(round(CLUSTERS_PER_ROOT * math.sqrt(n_distinct)), n_distinct // 2))
    rng = np.random.default_rng(0)
    best, least = np.zeros(len(rows), dtype=np.int64), math.inf
    for _ in range(N_STARTS):
        centres = _choose_centres(rows, k, rng)
        for _ in range(N_ROUNDS):
            distances = compute_distances(rows, centres)
            labels = distances.argmin(axis=1)
            counts = np.bincount(labels, minlength=k)
            sums = np.zeros_like(centres)
            np.add.at(sums, labels, rows)
            centres = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centres)
        if (total := float(distances.min(axis=1).sum())) < least:
            best, least = labels, total
    return best


def _choose_centres(rows: NDArray[np.float32], k: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """The first centres of k-means++ (Arthur and Vassilvitskii 2007): (k, c)."""
    chosen = [int(rng.integers(len(rows)))]
    nearest = compute_distances(rows, rows[chosen])[:, 0].astype(np.float64)
    while len(chosen) < k and nearest.sum() > 0:
        chosen.append(int(rng.choice(len(rows), p=nearest / nearest.sum())))
        nearest = np.minimum(nearest, compute_distances(rows, rows[chosen[-1:]])[:, 0])
    return rows[chosen + chosen[:1] * (k - len(chosen))]
