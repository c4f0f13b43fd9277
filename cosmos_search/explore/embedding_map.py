"""A map of the collection: similar pictures are close together, and clusters have names."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_search.encoders.protocol import Encoder, require_made_by
from cosmos_search.extras import require_extra
from indexer.store.index import Index

__all__ = ["MAX_POINTS", "Atlas", "Cluster", "Point", "draw_atlas", "read_everyday_words"]

MAX_POINTS = 3000  # take about half a minute: t-SNE runs on one core
N_COMPONENTS = 50  # principal components before t-SNE, as van der Maaten and Hinton chose
PERPLEXITY = 30.0
MIN_FOR_TSNE = 5  # points; with fewer, all are neighbours of each other
CLUSTERS_PER_ROOT = 1.5  # with 1.0, 450 photo stamps had a region of drums, buttons and chocolate eggs
MIN_TO_CENTRE = 3  # clusters; of two centred means one is the opposite of the other
TEXTS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Point:
    """A picture on the map."""

    id: int  # of the picture in its index
    x: float  # 0..1
    y: float  # 0..1
    cluster: int  # its index in Atlas.clusters


@dataclass(frozen=True, slots=True)
class Cluster:
    """Similar pictures."""

    name: str  # the word that best describes their difference from other pictures; unique
    x: float  # of the picture nearest to the median of its points
    y: float
    n: int  # number of its points
    cosine: float  # of the name and the cluster, -1..1 (cosmos-mini's names are good from 0.45 on)


@dataclass(frozen=True, slots=True)
class Atlas:
    """A map of `len(points)` pictures, sampled evenly from `n_pictures`; the largest cluster first."""

    points: tuple[Point, ...]
    clusters: tuple[Cluster, ...]
    n_pictures: int

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return asdict(self)


def draw_atlas(
    index: Index, encoder: Encoder, vocabulary: Sequence[str] | None = None, max_points: int = MAX_POINTS
) -> Atlas:
    """The map of an index, from global vectors. It is deterministic.

    Positions: t-SNE (van der Maaten and Hinton 2008) of the principal components. Clusters: k-means of the vectors,
    with 1.5 times the square root of their number as k.
    vocabulary: possible names of clusters, one or more; None: `read_everyday_words`.
    Raises CosmosSearchError for an index that is empty or of another encoder, MissingExtraError without scikit-learn.
    """
    require_extra("The map of a collection", "ui", "sklearn")
    words = list(vocabulary or read_everyday_words())
    with index.reading_pictures() as catalog:
        record = catalog.encoder()
        assert record is not None, "there are pictures, and nothing made their vectors"
        require_made_by(encoder, record)
        ids = catalog.vector_ids(record.id)
        chosen = ids[_sample_evenly(len(ids), max_points)]
        chosen, global_vectors = catalog.global_vectors_of(chosen.tolist(), record)
    vectors = _normalize(global_vectors.astype(np.float32))
    positions = _compute_positions(vectors)
    clusters = _find_clusters(vectors, len(words))
    means = np.stack([vectors[members].mean(axis=0) for members in clusters])
    names = _choose_names(means, words, _encode_words(encoder, words))
    cluster_of = np.empty(len(chosen), dtype=np.int64)
    for number, members in enumerate(clusters):
        cluster_of[members] = number
    return Atlas(
        points=tuple(
            Point(id_, x, y, number)
            for id_, (x, y), number in zip(chosen.tolist(), positions.tolist(), cluster_of.tolist(), strict=True)
        ),
        clusters=tuple(
            Cluster(name, *_find_middle(positions[members]), n=len(members), cosine=cosine)
            for (name, cosine), members in zip(names, clusters, strict=True)
        ),
        n_pictures=len(ids),
    )


def read_everyday_words() -> list[str]:
    """A few hundred words for things that are often photographed."""
    return (files("cosmos_search") / "data/words.txt").read_text(encoding="utf-8").splitlines()


def _sample_evenly(n: int, at_most: int) -> NDArray[np.int64]:
    """Indices in 0..n-1 at even distances, at most `at_most`."""
    return np.asarray(np.linspace(0, n - 1, min(n, at_most)).round(), dtype=np.int64)


def _compute_positions(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Position of each row of (n, dim) on the map: (n, 2), 0..1."""
    components = _compute_principal_components(vectors)
    flat = np.pad(components[:, :2], ((0, 0), (0, max(0, 2 - components.shape[1]))))
    if len(vectors) >= MIN_FOR_TSNE:
        flat = _run_tsne(components, flat)
    lowest, span = flat.min(axis=0), np.ptp(flat, axis=0)
    return np.where(span > 0, (flat - lowest) / np.where(span > 0, span, 1), 0.5).astype(np.float64)


def _compute_principal_components(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Principal components of rows (n, dim), by descending variance: (n, up to N_COMPONENTS)."""
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)  # ascending
    return np.asarray(centred @ axes[:, ::-1][:, :N_COMPONENTS])


def _run_tsne(components: NDArray[np.float32], start: NDArray[np.float32]) -> NDArray[np.float32]:
    """Embedding of rows (n, components): (n, 2). start: (n, 2), initial positions, scaled to a small variance."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    spread = float(start.std(axis=0).max()) or 1.0
    perplexity = min(PERPLEXITY, (len(components) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init=(start / spread * 1e-4).astype(np.float32), random_state=0)
    with threadpool_limits(1):  # two threads take four times as long if other processes use the cores
        return np.asarray(tsne.fit_transform(components))


def _find_clusters(vectors: NDArray[np.float32], at_most: int) -> list[NDArray[np.int64]]:
    """The rows of each cluster, the largest first."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    n_distinct = len(np.unique(vectors, axis=0))
    n = max(1, min(round(CLUSTERS_PER_ROOT * math.sqrt(n_distinct)), n_distinct // 2, at_most))
    with threadpool_limits(1):
        labels = KMeans(n, n_init=4, random_state=0).fit_predict(vectors)
    members = [np.flatnonzero(labels == label) for label in range(n)]
    return sorted(members, key=lambda rows: (-len(rows), rows[0]))


def _choose_names(
    means: NDArray[np.float32], words: Sequence[str], texts: NDArray[np.float32]
) -> list[tuple[str, float]]:
    """Name and cosine of each cluster (k, dim); pairs with a word (w, dim) are assigned greedily, the best first.

    Both are centred, because what all pictures (or all texts) have in common does not distinguish them.
    """
    own = means - means.mean(axis=0) if len(means) >= MIN_TO_CENTRE else means
    cosines = _normalize(own) @ _normalize(texts - texts.mean(axis=0)).T  # (k, w)
    names: dict[int, tuple[str, float]] = {}
    free = set(range(len(words)))
    for pair in np.argsort(-cosines, axis=None, kind="stable").tolist():
        cluster, word = divmod(pair, len(words))
        if cluster not in names and word in free:
            names[cluster] = words[word], float(cosines[cluster, word])
            free.remove(word)
    return [names[cluster] for cluster in range(len(means))]


def _encode_words(encoder: Encoder, words: Sequence[str]) -> NDArray[np.float32]:
    batches = [words[i : i + TEXTS_AT_ONCE] for i in range(0, len(words), TEXTS_AT_ONCE)]
    return np.concatenate([encoder.encode_texts([f"a photo of {word}" for word in batch]) for batch in batches])


def _find_middle(positions: NDArray[np.float64]) -> tuple[float, float]:
    """The position nearest to the median of positions (n, 2)."""
    distances = np.linalg.norm(positions - np.median(positions, axis=0), axis=1)
    x, y = positions[int(distances.argmin())].tolist()
    return x, y


def _normalize(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12))
