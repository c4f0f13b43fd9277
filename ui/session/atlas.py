"""The map of the index, and the pictures of its clusters."""

from collections.abc import Sequence

from cosmos_search.explore.embedding_map import Atlas
from indexer.store.records import PictureRecord
from ui.session.shared import SharedResources

__all__ = ["find_atlas", "find_cluster"]


def find_atlas(shared: SharedResources) -> Atlas:
    """The map of the index; while an indexing job is running, that from before it."""
    return shared.cached_until_idle("map", shared.library.atlas)


def find_cluster(shared: SharedResources, number: int) -> Sequence[PictureRecord]:
    """The pictures of a cluster, the nearest to its middle first; empty if there is no such cluster."""

    def find() -> Sequence[PictureRecord]:
        atlas = find_atlas(shared)
        if number >= len(atlas.clusters):
            return []
        x, y = atlas.clusters[number].x, atlas.clusters[number].y
        members = [point for point in atlas.points if point.cluster == number]
        members.sort(key=lambda point: (point.x - x) ** 2 + (point.y - y) ** 2)
        return shared.library.pictures([point.id for point in members])

    return shared.cached_until_idle("cluster", find, number)
