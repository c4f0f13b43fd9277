"""Places of pictures for the map of the world, in columns."""

from collections.abc import Sequence
from typing import Any

from indexer.store.places import PicturePlace

__all__ = ["make_places"]


def make_places(places: Sequence[PicturePlace]) -> dict[str, Any]:
    """The places; town_of: for each the number of its town in towns, -1 without a gazetteer."""
    return {
        "ids": [place.id for place in places],
        "latitudes": [round(place.latitude, 6) for place in places],
        "longitudes": [round(place.longitude, 6) for place in places],
        "towns": [],
        "town_of": [-1] * len(places),
    }
