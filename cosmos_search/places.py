"""The default location of an index, and paths and URLs as users write them."""

import os
import re
from hashlib import sha256
from pathlib import Path

from platformdirs import user_data_path, user_state_path

from cosmos_search.extras import require_extra
from indexer.errors import UsageError
from indexer.files import expand_home
from indexer.places import SERVER_URL, Place, ServerPlace

__all__ = ["default_place", "locate_state_file", "parse_path", "parse_place"]

LOOKS_LIKE_URL = re.compile(r"postgres(ql)?(\+\w+)?:/", re.IGNORECASE)
BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")


def default_place() -> Place:
    """COSMOS_SEARCH_INDEX if it is set and not empty, otherwise a directory among the user's data."""
    place = os.environ.get("COSMOS_SEARCH_INDEX")
    return parse_place(place) if place else user_data_path("cosmos-search") / "index"


def parse_path(path: str | Path) -> Path:
    """The path with ~ expanded. Raises UsageError for an empty text or the home of an unknown user."""
    if not str(path).strip():
        raise UsageError("The path is empty; name a folder.")
    return expand_home(path)


def parse_place(place: str | Path | ServerPlace) -> Place:
    """The path of a directory, or the place of a PostgreSQL URL, which errors do not quote: it may hold a password.

    Raises UsageError, and MissingExtraError for a URL if psycopg is not installed.
    """
    if isinstance(place, ServerPlace):
        return place
    if isinstance(place, Path) or not LOOKS_LIKE_URL.match(place):
        return parse_path(place)
    if not SERVER_URL.fullmatch(place) or BAD_ESCAPE.search(place):
        raise UsageError(
            "The URL of the index is not valid. Write postgresql://USER@HOST/DATABASE, and in its parts %40 for @, "
            "%3A for :, %2F for / and %25 for %."
        )
    require_extra("An index on a server", "cluster", "psycopg")
    return ServerPlace(place)


def locate_state_file(place: Place, kind: str, suffix: str) -> Path:
    """The file in the user's state directory by which programs of this user on this machine find each other.

    kind: what it is about, a directory there.
    """
    text = os.fsencode(place.resolve()) if isinstance(place, Path) else str(place).encode()  # without the password
    return user_state_path("cosmos-search") / kind / f"{sha256(text).hexdigest()[:32]}{suffix}"
