"""A map of the collection: similar pictures are close together, and clusters have names."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_search.encoders.protocol import Encoder, require_made_by
from cosmos_search.explore.map_file import PlacedPictures, SavedMap, read_map, write_map
from cosmos_search.explore.map_layout import MapLayout, fit_layout, sample_evenly
from cosmos_search.limits import MAX_POINTS
from indexer.store.catalog import Catalog
from indexer.store.index import Index
from indexer.store.records import EncoderRecord

__all__ = ["Atlas", "Cluster", "Point", "draw_atlas", "read_everyday_words"]

MAX_GROWTH = 2  # the layout is made again when the number of pictures has grown or shrunk by this factor
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
    x: float  # of the picture nearest to the median of its points; of its largest part, if it has several
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
    index: Index,
    load_encoder: Callable[[], Encoder],
    vocabulary: Sequence[str] | None = None,
    max_points: int = MAX_POINTS,
) -> Atlas:
    """The map of an index, from global vectors.

    The layout is stored beside the vectors of the index, and new pictures are placed in it; so the map takes seconds
    once, and then a fraction of one. Parts of k-means with the same name are one cluster.
    load_encoder: called if clusters have to be named.
    vocabulary: possible names of clusters, one or more; None: `read_everyday_words`.
    Raises CosmosSearchError for an index that is empty or of another encoder.
    """
    with index.reading_pictures() as catalog:
        record = catalog.encoder()
        assert record is not None, "there are pictures, and nothing made their vectors"
        version, ids = catalog.version(), catalog.vector_ids(record.id)
        path = index.cache_directory / f"map-{record.id}.npz"
        known = _check_saved(read_map(path), record, len(ids))
        if known is None:
            require_made_by(load_encoder(), record)
            saved = _fit(catalog, record, ids)
        else:
            saved = known if known.version == version else _update(catalog, record, known, ids)
    if vocabulary is None and not len(saved.names):
        found, cosines = zip(*_name_clusters(saved.layout, read_everyday_words(), load_encoder(), record), strict=True)
        saved = replace(saved, names=np.array(found), cosines=np.array(cosines, dtype=np.float32))
    if saved is not known:
        write_map(path, saved)
    if vocabulary is None:
        names = list(zip(saved.names.tolist(), saved.cosines.tolist(), strict=True))
    else:
        names = _name_clusters(saved.layout, vocabulary, load_encoder(), record)
    shown = sample_evenly(saved.placed.ids, max_points)
    return _make_atlas(_keep(saved.placed, np.isin(saved.placed.ids, shown)), names, len(ids))


def read_everyday_words() -> list[str]:
    """A few hundred words for things that are often photographed."""
    return (files("cosmos_search") / "data/words.txt").read_text(encoding="utf-8").splitlines()


def _check_saved(saved: SavedMap | None, record: EncoderRecord, n: int) -> SavedMap | None:
    """The saved map, if it is of this encoder and of about as many pictures."""
    if saved is None or saved.encoder != _name_encoder(record):
        return None
    return saved if saved.n_fitted <= MAX_GROWTH * n and n < MAX_GROWTH * saved.n_fitted else None


def _name_encoder(record: EncoderRecord) -> str:
    return f"{record.name} {record.version}"


def _fit(catalog: Catalog, record: EncoderRecord, ids: NDArray[np.int64]) -> SavedMap:
    chosen, vectors = _read_vectors(catalog, record, sample_evenly(ids, MAX_POINTS))
    layout = fit_layout(vectors)
    placed = PlacedPictures(chosen, *layout.place(vectors), _read_marks(catalog, chosen))
    names, cosines = np.array([], dtype=np.str_), np.array([], dtype=np.float32)
    return SavedMap(_name_encoder(record), catalog.version(), len(ids), layout, placed, names, cosines)


def _update(catalog: Catalog, record: EncoderRecord, saved: SavedMap, ids: NDArray[np.int64]) -> SavedMap:
    """Place the pictures that are new, and drop those that are gone."""
    wanted = sample_evenly(ids, MAX_POINTS)
    placed = _keep(saved.placed, np.isin(saved.placed.ids, wanted))
    placed = _keep(placed, placed.marks == _read_marks(catalog, placed.ids))
    new = np.setdiff1d(wanted, placed.ids)
    if len(new):
        new, vectors = _read_vectors(catalog, record, new)
        added = PlacedPictures(new, *saved.layout.place(vectors), _read_marks(catalog, new))
        both = [np.concatenate([getattr(one, f.name) for one in (placed, added)]) for f in fields(PlacedPictures)]
        placed = _keep(PlacedPictures(*both), np.argsort(both[0]))
    return replace(saved, version=catalog.version(), placed=placed)


def _read_vectors(
    catalog: Catalog, record: EncoderRecord, ids: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    found, vectors = catalog.global_vectors_of(ids.tolist(), record)
    return found, _normalize(vectors.astype(np.float32))


def _read_marks(catalog: Catalog, ids: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The first 8 bytes of the fingerprints of these pictures, in order; 0 for those that are gone."""
    found = catalog.fingerprints(ids.tolist())
    beginnings = (found.get(id_, b"")[:8] for id_ in ids.tolist())
    return np.array([int.from_bytes(mark, "big") for mark in beginnings], dtype=np.uint64)


def _keep(placed: PlacedPictures, chosen: NDArray[np.generic]) -> PlacedPictures:
    """These of the pictures. chosen: indices, or True for each that is kept."""
    return PlacedPictures(*(getattr(placed, field.name)[chosen] for field in fields(PlacedPictures)))


def _make_atlas(placed: PlacedPictures, names: Sequence[tuple[str, float]], n_pictures: int) -> Atlas:
    """names: name and cosine of each row of MapLayout.centres."""
    cluster_names = sorted({name for name, _ in names})
    cluster_of = np.array([cluster_names.index(name) for name, _ in names])[placed.clusters]  # (n,)
    counts = np.bincount(cluster_of, minlength=len(cluster_names))
    order = [i for i in np.argsort(-counts, kind="stable").tolist() if counts[i]]
    cosines = {name: max(c for other, c in names if other == name) for name in cluster_names}
    clusters = []
    for i in order:
        parts = placed.clusters[cluster_of == i]
        largest = placed.positions[placed.clusters == np.bincount(parts).argmax()]
        clusters.append(Cluster(cluster_names[i], *_find_middle(largest), int(counts[i]), cosines[cluster_names[i]]))
    numbers = np.empty(len(cluster_names), dtype=np.int64)
    numbers[order] = np.arange(len(order))
    columns = placed.ids.tolist(), *placed.positions.T.tolist(), numbers[cluster_of].tolist()
    return Atlas(tuple(map(Point, *columns)), tuple(clusters), n_pictures)


def _name_clusters(
    layout: MapLayout, words: Sequence[str], encoder: Encoder, record: EncoderRecord
) -> list[tuple[str, float]]:
    """The nearest word of each cluster, and their cosine. Several clusters may have the same one.

    Both are centred, because what all pictures (or all texts) have in common does not distinguish them.
    """
    require_made_by(encoder, record)
    means, texts = layout.means, _encode_words(encoder, tuple(words))
    own = means - means.mean(axis=0) if len(means) >= MIN_TO_CENTRE else means
    cosines = _normalize(own) @ _normalize(texts - texts.mean(axis=0)).T  # (k, w)
    return [(words[word], float(cosines[row, word])) for row, word in enumerate(cosines.argmax(axis=1).tolist())]


def _encode_words(encoder: Encoder, words: Sequence[str]) -> NDArray[np.float32]:
    batches = [words[i : i + TEXTS_AT_ONCE] for i in range(0, len(words), TEXTS_AT_ONCE)]
    return np.concatenate([encoder.encode_texts([f"a photo of {word}" for word in batch]) for batch in batches])


def _find_middle(positions: NDArray[np.float32]) -> tuple[float, float]:
    """The position nearest to the median of positions (n, 2)."""
    distances = np.linalg.norm(positions - np.median(positions, axis=0), axis=1)
    x, y = positions[int(distances.argmin())].tolist()
    return x, y


def _normalize(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12))
