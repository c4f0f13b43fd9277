"""A map of the collection, to browse without words: like pictures lie close together, and each region has a name."""

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

__all__ = ["MAX_POINTS", "Atlas", "Cluster", "Point", "draw_atlas", "everyday_words"]

MAX_POINTS = 3000  # they take about half a minute: t-SNE has one core
N_COMPONENTS = 50  # of the vectors, before t-SNE: what van der Maaten and Hinton did
PERPLEXITY = 30.0
FEWEST_FOR_TSNE = 5  # below, every picture is everyone's neighbour
CLUSTERS_PER_ROOT = 1.5  # with 1.0, 450 photo stamps had a region of drums, buttons and chocolate eggs
FEWEST_TO_CENTRE = 3  # clusters; of two, one would be named as the opposite of the other
TEXTS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Point:
    """A picture's place."""

    id: int  # of the picture in its index
    x: float  # 0..1
    y: float  # 0..1
    cluster: int  # its place in Atlas.clusters


@dataclass(frozen=True, slots=True)
class Cluster:
    """Pictures that are alike."""

    name: str  # the word that is nearest to what they have and others haven't; no two share one
    x: float  # of its middle picture: it lies among them
    y: float
    n: int  # of its points
    cosine: float  # of the name to the cluster, -1..1: how far to trust it (cosmos-mini's are apt from 0.45 on)


@dataclass(frozen=True, slots=True)
class Atlas:
    """A map of `len(points)` pictures, chosen evenly from `n_pictures`; the largest cluster first."""

    points: tuple[Point, ...]
    clusters: tuple[Cluster, ...]
    n_pictures: int

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return asdict(self)


def draw_atlas(
    index: Index, encoder: Encoder, vocabulary: Sequence[str] | None = None, max_points: int = MAX_POINTS
) -> Atlas:
    """The map, the same for the same index. Every picture's whole vector has its place.

    Places: t-SNE (van der Maaten and Hinton 2008) of the principal components. Clusters: k-means of the vectors, as
    many as one and a half times the square root of their number.
    vocabulary: names for the clusters, one or more; left out, `everyday_words`.
    Raises CosmosSearchError for an index that is empty, or that another encoder made, and without scikit-learn.
    """
    require_extra("The map of a collection", "ui", "sklearn")
    words = list(vocabulary or everyday_words())
    with index.reading_pictures() as catalog:
        record = catalog.encoder()
        assert record is not None, "there are pictures, and nothing made their vectors"
        require_made_by(encoder, record)
        ids = catalog.vector_ids(record.id)
        chosen = ids[_evenly(len(ids), max_points)]
        chosen, wholes = catalog.global_vectors_of(chosen.tolist(), record)
    vectors = _unit(wholes.astype(np.float32))
    places = _places(vectors)
    clusters = _clusters(vectors, len(words))
    means = np.stack([vectors[members].mean(axis=0) for members in clusters])
    names = _names(means, words, _embedded(encoder, words))
    cluster_of = np.empty(len(chosen), dtype=np.int64)
    for number, members in enumerate(clusters):
        cluster_of[members] = number
    return Atlas(
        points=tuple(
            Point(id_, x, y, number)
            for id_, (x, y), number in zip(chosen.tolist(), places.tolist(), cluster_of.tolist(), strict=True)
        ),
        clusters=tuple(
            Cluster(name, *_middle(places[members]), n=len(members), cosine=cosine)
            for (name, cosine), members in zip(names, clusters, strict=True)
        ),
        n_pictures=len(ids),
    )


def everyday_words() -> list[str]:
    """Some hundred things that people take pictures of."""
    return (files("cosmos_search") / "data/words.txt").read_text(encoding="utf-8").splitlines()


def _evenly(n: int, at_most: int) -> NDArray[np.int64]:
    """Places in 0..n-1, no more than `at_most`, at even distances."""
    return np.asarray(np.linspace(0, n - 1, min(n, at_most)).round(), dtype=np.int64)


def _places(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Each row of (n, dim) on a square: (n, 2), 0..1."""
    components = _principal(vectors)
    flat = np.pad(components[:, :2], ((0, 0), (0, max(0, 2 - components.shape[1]))))
    if len(vectors) >= FEWEST_FOR_TSNE:
        flat = _tsne(components, flat)
    lowest, span = flat.min(axis=0), np.ptp(flat, axis=0)
    return np.where(span > 0, (flat - lowest) / np.where(span > 0, span, 1), 0.5).astype(np.float64)


def _principal(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The principal components of rows (n, dim), those that vary most first: (n, up to N_COMPONENTS)."""
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)  # ascending
    return np.asarray(centred @ axes[:, ::-1][:, :N_COMPONENTS])


def _tsne(components: NDArray[np.float32], start: NDArray[np.float32]) -> NDArray[np.float32]:
    """start: (n, 2), where the points are at first; so small that it only breaks ties, as t-SNE wants it."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    spread = float(start.std(axis=0).max()) or 1.0
    perplexity = min(PERPLEXITY, (len(components) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init=(start / spread * 1e-4).astype(np.float32), random_state=0)
    with threadpool_limits(1):  # where others work too, two threads wait for each other and take four times as long
        return np.asarray(tsne.fit_transform(components))


def _clusters(vectors: NDArray[np.float32], at_most: int) -> list[NDArray[np.int64]]:
    """The rows of each cluster, the largest first."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    n_distinct = len(np.unique(vectors, axis=0))
    n = max(1, min(round(CLUSTERS_PER_ROOT * math.sqrt(n_distinct)), n_distinct // 2, at_most))
    with threadpool_limits(1):
        labels = KMeans(n, n_init=4, random_state=0).fit_predict(vectors)
    members = [np.flatnonzero(labels == label) for label in range(n)]
    return sorted(members, key=lambda rows: (-len(rows), rows[0]))


def _names(means: NDArray[np.float32], words: Sequence[str], texts: NDArray[np.float32]) -> list[tuple[str, float]]:
    """The name of each cluster (k, dim) and its cosine; the best pair with a word (w, dim) is taken first.

    Both are centred: what all pictures have in common, and all texts, tells none from the other.
    """
    own = means - means.mean(axis=0) if len(means) >= FEWEST_TO_CENTRE else means
    cosines = _unit(own) @ _unit(texts - texts.mean(axis=0)).T  # (k, w)
    names: dict[int, tuple[str, float]] = {}
    free = set(range(len(words)))
    for pair in np.argsort(-cosines, axis=None, kind="stable").tolist():
        cluster, word = divmod(pair, len(words))
        if cluster not in names and word in free:
            names[cluster] = words[word], float(cosines[cluster, word])
            free.remove(word)
    return [names[cluster] for cluster in range(len(means))]


def _embedded(encoder: Encoder, words: Sequence[str]) -> NDArray[np.float32]:
    batches = [words[i : i + TEXTS_AT_ONCE] for i in range(0, len(words), TEXTS_AT_ONCE)]
    return np.concatenate([encoder.encode_texts([f"a photo of {word}" for word in batch]) for batch in batches])


def _middle(places: NDArray[np.float64]) -> tuple[float, float]:
    """The place nearest to the median of places (n, 2)."""
    distances = np.linalg.norm(places - np.median(places, axis=0), axis=1)
    x, y = places[int(distances.argmin())].tolist()
    return x, y


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12))
