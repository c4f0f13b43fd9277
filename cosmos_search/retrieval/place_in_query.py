"""A town at the end of a query, such as "a church in Munich", which may be meant as a place: the user decides."""

import re
from dataclasses import dataclass

from indexer.store.filter_record import Near

__all__ = ["PlaceInQuery", "find_place_in_query"]

END = re.compile(
    r"(?:(?P<rest>.*\S)\s+)?(?:in|near|at|around|bei|à)\s+(?P<name>[^\W\d_][^\d,;:@\"]{1,60})", re.IGNORECASE
)
RADIUS_KM = 20.0


@dataclass(frozen=True, slots=True)
class PlaceInQuery:
    """A town that a query ends with."""

    name: str  # as it was typed
    text: str  # the query without it; it may be empty
    near: Near  # around the town
    near_text: str  # the same, as a user types it for the filter


def find_place_in_query(text: str) -> PlaceInQuery | None:
    """The large town that a query ends with, after a word such as "in"; None if there is none, or no gazetteer."""
    match = END.fullmatch(text.strip().rstrip(".!?"))
    if match is None:
        return None
    from cosmos_search.retrieval.town_table import find_large_town, has_gazetteer, read_towns  # imports NumPy

    name = match["name"].strip()
    town = find_large_town(name) if has_gazetteer() else None
    if town is None:
        return None
    table = read_towns()
    near = Near(float(table.latitudes[town]), float(table.longitudes[town]), RADIUS_KM)
    return PlaceInQuery(name, match["rest"] or "", near, f"{name},{RADIUS_KM:g}km")
