"""The town near a place, for people: "Munich, Germany". Offline, with the extra `places`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_search.retrieval.town_table import GAZETTEER, TownTable, has_gazetteer, read_towns
from indexer.store.geo import EARTH_KM

__all__ = ["NearestTown", "add_towns", "find_nearest_town", "find_nearest_towns"]

FAR_KM = 100.0  # a town that is farther away says nothing about a place
RADIUS_KM = 0.01  # of a town, times the square root of its inhabitants: 12 km with 1.5 million
IN_TOWN_KM = 3.0
KM_A_DEGREE = 111.2


@dataclass(frozen=True, slots=True)
class NearestTown:
    """A town, and how far away its centre is. Within a large town that is the town itself, not its nearest suburb."""

    name: str
    country: str
    distance_km: float
    is_inside: bool

    def __str__(self) -> str:
        where = f"{self.name}, {self.country}"
        return where if self.is_inside else f"{self.distance_km:.0f} km from {where}"

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return asdict(self) | {"distance_km": round(self.distance_km, 1)}


def find_nearest_town(latitude: float | None, longitude: float | None) -> NearestTown | None:
    """The town of a place in degrees; None without a place or the gazetteer, and if none is within FAR_KM."""
    if latitude is None or longitude is None:
        return None
    return find_nearest_towns([(latitude, longitude)])[0]


def find_nearest_towns(places: Sequence[tuple[float, float]]) -> list[NearestTown | None]:
    """The town of each place. Places of the same square degree are compared with the same few towns."""
    found: list[NearestTown | None] = [None] * len(places)
    if not has_gazetteer() or not places:
        return found
    table, at = read_towns(), np.array(places, dtype=np.float64)  # (n, 2)
    squares, square_of = np.unique(np.floor(at), axis=0, return_inverse=True)
    for number, (south, west) in enumerate(squares.tolist()):
        members = np.flatnonzero(square_of == number)
        towns = _find_around(table, south + 0.5, west + 0.5)
        if not len(towns):
            continue
        distances = _compute_distances(at[members], table, towns)  # (m, t)
        radii = RADIUS_KM * np.sqrt(table.populations[towns])
        best = (distances - radii).argmin(axis=1)
        for row, choice in enumerate(best.tolist()):
            distance = float(distances[row, choice])
            if distance <= FAR_KM:
                is_inside = distance <= max(IN_TOWN_KM, float(radii[choice]))
                town = int(towns[choice])
                country = _read_countries().get(str(table.countries[town]), str(table.countries[town]))
                found[int(members[row])] = NearestTown(table.get_name(town), country, distance, is_inside)
    return found


def add_towns(records: Sequence[dict[str, Any]]) -> None:
    """Add "town" to the JSON values of those pictures whose town `find_nearest_town` knows."""
    placed = [one for one in records if one["latitude"] is not None and one["longitude"] is not None]
    towns = find_nearest_towns([(one["latitude"], one["longitude"]) for one in placed])
    for record, town in zip(placed, towns, strict=True):
        if town is not None:
            record["town"] = town.to_dict()


def _find_around(table: TownTable, latitude: float, longitude: float) -> NDArray[np.int64]:
    """The towns that may be within FAR_KM of a place in this square degree, by its middle."""
    degrees = FAR_KM / KM_A_DEGREE + 0.5
    first, last = np.searchsorted(table.latitudes, (latitude - degrees, latitude + degrees))
    most = min(abs(latitude) + degrees, 89.0)
    wide = FAR_KM / (KM_A_DEGREE * np.cos(np.radians(most))) + 0.5
    apart = np.abs((table.longitudes[first:last] - longitude + 180) % 360 - 180)
    return np.asarray(np.flatnonzero(apart <= wide) + first)


def _compute_distances(at: NDArray[np.float64], table: TownTable, towns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Great-circle distances in km of places (m, 2) and towns (t,): (m, t), by the haversine formula."""
    latitudes, longitudes = np.radians(at[:, :1]), np.radians(at[:, 1:])
    others, other_longitudes = np.radians(table.latitudes[towns]), np.radians(table.longitudes[towns])
    h = np.sin((latitudes - others) / 2) ** 2
    h += np.cos(latitudes) * np.cos(others) * np.sin((longitudes - other_longitudes) / 2) ** 2
    return np.asarray(2 * EARTH_KM * np.arcsin(np.sqrt(np.minimum(1.0, h))))


@lru_cache(maxsize=1)
def _read_countries() -> dict[str, str]:
    """The names of countries by their codes."""
    found = json.loads(files(GAZETTEER).joinpath("data", "countries.json").read_bytes())
    return {code: country["name"] for code, country in found.items()}
