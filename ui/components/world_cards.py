"""Places of pictures for the map of the world, in columns."""

from collections.abc import Sequence
from typing import Any

from cosmos_search.retrieval.nearest_town import find_nearest_towns
from indexer.store.places import PicturePlace

__all__ = ["make_places"]


def make_places(places: Sequence[PicturePlace]) -> dict[str, Any]:
    """The places; town_of: for each the number of its town in towns, -1 without a gazetteer."""
    found = find_nearest_towns([(place.latitude, place.longitude) for place in places])
    names = ["" if town is None else town.name for town in found]
    towns = sorted({*names} - {""})
    numbers = {name: number for number, name in enumerate(towns)}
    return {
        "ids": [place.id for place in places],
        "latitudes": [round(place.latitude, 6) for place in places],
        "longitudes": [round(place.longitude, 6) for place in places],
        "towns": towns,
        "town_of": [numbers.get(name, -1) for name in names],
    }
