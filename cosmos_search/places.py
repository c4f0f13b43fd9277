"""The default location of an index, and paths as users write them."""

import os
from pathlib import Path

from platformdirs import user_data_path

from indexer.errors import UsageError
from indexer.files import expand_home

__all__ = ["default_place", "parse_path"]


def default_place() -> Path:
    """COSMOS_SEARCH_INDEX if it is set and not empty, otherwise a directory among the user's data."""
    place = os.environ.get("COSMOS_SEARCH_INDEX")
    return parse_path(place) if place else user_data_path("cosmos-search") / "index"


def parse_path(path: str | Path) -> Path:
    """The path with ~ expanded. Raises UsageError for an empty text or the home of an unknown user."""
    if not str(path).strip():
        raise UsageError("The path is empty; name a folder.")
    return expand_home(path)
