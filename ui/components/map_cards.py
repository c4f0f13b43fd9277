"""Data of the maps for the browser, in columns: tens of thousands of pictures are compact so."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from cosmos_search.explore.embedding_map import Atlas, Point
from indexer.store.records import PictureRecord
from ui.components.cards import get_colour, get_version
from ui.escape import replace_surrogates

__all__ = ["MapCard", "make_map", "make_map_card"]


@dataclass(frozen=True, slots=True)
class MapCard:
    """What the thumbnail of a picture needs."""

    id: int
    name: str
    version: str  # of its content


def make_map(atlas: Atlas) -> dict[str, Any]:
    """The map of an atlas. Pictures are in the order in which the browser gives them thumbnails."""
    points = _order_round_robin(atlas)
    return {
        "ids": [point.id for point in points],
        "xs": [round(point.x, 4) for point in points],
        "ys": [round(point.y, 4) for point in points],
        "clusters": [point.cluster for point in points],
        "labels": [
            {"name": c.name, "x": c.x, "y": c.y, "n": c.n, "colour": get_colour(number)}
            for number, c in enumerate(atlas.clusters)
        ],
        "n_pictures": atlas.n_pictures,
    }


def make_map_card(picture: PictureRecord) -> MapCard:
    """The card of a picture."""
    return MapCard(picture.id, replace_surrogates(picture.paths[0].name), get_version(picture))


def _order_round_robin(atlas: Atlas) -> Sequence[Point]:
    """The picture nearest to the centre of each cluster, then the second nearest of each, and so on."""
    members: list[list[Point]] = [[] for _ in atlas.clusters]
    for point in atlas.points:
        members[point.cluster].append(point)
    for cluster, points in zip(atlas.clusters, members, strict=True):
        points.sort(key=lambda point, c=cluster: (point.x - c.x) ** 2 + (point.y - c.y) ** 2)  # type: ignore[misc]
    return [point for turn in zip_longest(*members) for point in turn if point is not None]
