"""The file of a map: its layout, the names of its clusters, and the positions of the pictures that were placed.

It is derived from the catalog and may be deleted at any time.
"""

import logging
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosmos_search.explore.map_layout import MapLayout
from indexer.files import open_file, replace_file

__all__ = ["PlacedPictures", "SavedMap", "read_map", "write_map"]

log = logging.getLogger(__name__)

FORMAT = 1


@dataclass(frozen=True, slots=True)
class PlacedPictures:
    """Pictures on the map, ascending by id."""

    ids: NDArray[np.int64]  # (n,)
    positions: NDArray[np.float32]  # (n, 2), 0..1
    clusters: NDArray[np.int64]  # (n,), rows of MapLayout.centres
    marks: NDArray[np.uint64]  # (n,), the beginnings of the fingerprints: after lost commits, an id is another picture


@dataclass(frozen=True, slots=True)
class SavedMap:
    """The map of a version of the catalog."""

    encoder: str  # its name and version
    version: int  # of the catalog
    n_fitted: int  # pictures in the catalog when the layout was made
    layout: MapLayout
    placed: PlacedPictures
    names: NDArray[np.str_]  # (k,), of the clusters, from everyday words; (0,): not named yet
    cosines: NDArray[np.float32]  # of the names


def read_map(path: Path) -> SavedMap | None:
    """The map in a file; None if there is none that can be read."""
    try:
        with open_file(path) as file, np.load(file, allow_pickle=False) as arrays:
            if int(arrays["format"]) != FORMAT:
                return None
            layout = MapLayout(*(arrays[field.name] for field in fields(MapLayout)))
            placed = PlacedPictures(*(arrays[f"placed_{field.name}"] for field in fields(PlacedPictures)))
            made_of = str(arrays["encoder"]), int(arrays["version"]), int(arrays["n_fitted"])
            return SavedMap(*made_of, layout, placed, arrays["names"], arrays["cosines"])
    except FileNotFoundError:
        return None
    except Exception as error:  # NumPy raises many classes for a damaged file
        log.info("The map in %s can't be read: %s", path, error)
        return None


def write_map(path: Path, saved: SavedMap) -> None:
    """Replace the file. Where that is not possible, the map is made again the next time."""
    arrays: dict[str, Any] = {field.name: getattr(saved.layout, field.name) for field in fields(MapLayout)}
    arrays |= {f"placed_{field.name}": getattr(saved.placed, field.name) for field in fields(PlacedPictures)}
    arrays |= {"names": saved.names, "cosines": saved.cosines}
    arrays |= {"format": FORMAT, "encoder": saved.encoder, "version": saved.version, "n_fitted": saved.n_fitted}
    try:
        replace_file(path, lambda file: np.savez(file, **arrays), sync=False, permissions=0o600)
    except OSError as error:
        log.info("The map can't be stored in %s: %s", path, error.strerror or error)
