"""What the page's map shows: dots for all pictures of an atlas, thumbnails for some, names of places."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from cosmos_search.explore.embedding_map import Atlas, Point
from indexer.store.records import PictureRecord
from ui.components.cards import get_colour
from ui.components.data_uri import encode_jpeg_uri
from ui.escape import replace_surrogates
from ui.files.thumbnails import Thumbnails

__all__ = ["MapCards", "MapThumbnail", "Place", "make_map_cards"]

SIDE = 128  # pixels of a thumbnail
MAX_THUMBNAILS = 150


@dataclass(frozen=True, slots=True)
class MapThumbnail:
    """A picture that is shown where it lies, x and y in 0..1."""

    id: int
    x: float
    y: float
    alt: str
    thumbnail: str  # a data URI


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster's name, where it is written."""

    name: str  # "" where it is not to be trusted
    x: float
    y: float
    n: int
    colour: str


@dataclass(frozen=True, slots=True)
class MapCards:
    """A map as a browser can draw it. The sights come in the order in which they take their room."""

    points: tuple[Point, ...]
    places: tuple[Place, ...]
    sights: tuple[MapThumbnail, ...]


def make_map_cards(
    atlas: Atlas, pictures: Callable[[Sequence[int]], Sequence[PictureRecord]], thumbnails: Thumbnails
) -> MapCards:
    """At most MAX_THUMBNAILS pictures, of each cluster in turn those that lie nearest to its middle.

    pictures: gives those of some ids that are indexed, as `Library.pictures` does.
    Every encoder has its own scale of cosines, so it is the third with the least apt names that has none.
    """
    least = sorted(cluster.cosine for cluster in atlas.clusters)[len(atlas.clusters) // 3]
    places = tuple(
        Place(c.name if c.cosine >= least else "", c.x, c.y, c.n, get_colour(number))
        for number, c in enumerate(atlas.clusters)
    )
    chosen = _order_round_robin(atlas)[:MAX_THUMBNAILS]
    known = {picture.id: picture for picture in pictures([point.id for point in chosen])}
    sights = (_make_thumbnail(point, known.get(point.id), thumbnails) for point in chosen)
    return MapCards(atlas.points, places, tuple(sight for sight in sights if sight is not None))


def _order_round_robin(atlas: Atlas) -> list[Point]:
    """The middle picture of each cluster, then the next ones of each, and so on."""
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
