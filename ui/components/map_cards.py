"""Data of the map: a dot for each picture, thumbnails of some, labels of the clusters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from cosmos_search.explore.embedding_map import Atlas, Point
from cosmos_search.service.thumbnails import Thumbnails
from indexer.store.records import PictureRecord
from ui.components.cards import get_colour
from ui.components.data_uri import encode_jpeg_uri
from ui.escape import replace_surrogates

__all__ = ["ClusterLabel", "MapCards", "MapThumbnail", "make_map_cards"]

SIDE = 128  # pixels of a thumbnail
MAX_THUMBNAILS = 150


@dataclass(frozen=True, slots=True)
class MapThumbnail:
    """A thumbnail at its position, x and y in 0..1."""

    id: int
    x: float
    y: float
    alt: str
    thumbnail: str  # a data URI


@dataclass(frozen=True, slots=True)
class ClusterLabel:
    """The label of a cluster at its centre, x and y in 0..1."""

    name: str  # "" if no word is near enough
    x: float
    y: float
    n: int
    colour: str


@dataclass(frozen=True, slots=True)
class MapCards:
    """The map for the browser. Earlier thumbnails have priority where they overlap."""

    points: tuple[Point, ...]
    labels: tuple[ClusterLabel, ...]
    thumbnails: tuple[MapThumbnail, ...]


def make_map_cards(
    atlas: Atlas, pictures: Callable[[Sequence[int]], Sequence[PictureRecord]], thumbnails: Thumbnails
) -> MapCards:
    """The map of an atlas, with at most MAX_THUMBNAILS thumbnails, those nearest to the cluster centres first.

    pictures: returns the records of ids, as `Library.pictures` does.
    The third of the clusters with the lowest cosine to their name gets no name. A fixed threshold would not work,
    because the scale of cosines depends on the encoder.
    """
    least = sorted(cluster.cosine for cluster in atlas.clusters)[len(atlas.clusters) // 3]
    labels = tuple(
        ClusterLabel(c.name if c.cosine >= least else "", c.x, c.y, c.n, get_colour(number))
        for number, c in enumerate(atlas.clusters)
    )
    chosen = _order_round_robin(atlas)[:MAX_THUMBNAILS]
    records = {picture.id: picture for picture in pictures([point.id for point in chosen])}
    shown = (_make_thumbnail(point, records.get(point.id), thumbnails) for point in chosen)
    return MapCards(atlas.points, labels, tuple(thumbnail for thumbnail in shown if thumbnail is not None))


def _order_round_robin(atlas: Atlas) -> list[Point]:
    """The picture nearest to the centre of each cluster, then the second nearest of each, and so on."""
    members: list[list[Point]] = [[] for _ in atlas.clusters]
    for point in atlas.points:
        members[point.cluster].append(point)
    for cluster, points in zip(atlas.clusters, members, strict=True):
        points.sort(key=lambda point, c=cluster: (point.x - c.x) ** 2 + (point.y - c.y) ** 2)  # type: ignore[misc]
    return [point for turn in zip_longest(*members) for point in turn if point is not None]


def _make_thumbnail(point: Point, picture: PictureRecord | None, thumbnails: Thumbnails) -> MapThumbnail | None:
    data = None if picture is None else thumbnails.get(picture, SIDE)
    if picture is None or data is None:
        return None
    return MapThumbnail(point.id, point.x, point.y, replace_surrogates(picture.paths[0].name), encode_jpeg_uri(data))
