"""The errors that users can meet: what is wrong and where, as fields. Commands and buttons that help are the callers'.

A class with fields is a dataclass, so that it can be pickled, and says its sentence in `__str__`.
"""

from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CosmosSearchError",
    "IndexBusyError",
    "NoIndexError",
    "OtherEncoderError",
    "PictureError",
    "StorageError",
    "UsageError",
]


class CosmosSearchError(Exception):
    """Base of all errors that are not bugs; the command line shows one line and exits with 1."""


class UsageError(CosmosSearchError):
    """The call itself is wrong (an empty query, a count of 0); the command line exits with 2."""


class IndexBusyError(CosmosSearchError):
    """Another process is writing to this index."""


class StorageError(CosmosSearchError):
    """The disk or the database fails: full, read-only, damaged, cannot be opened."""


class PictureError(CosmosSearchError):
    """One picture could not be read; a run counts it, names it and continues."""


@dataclass(eq=False)
class NoIndexError(CosmosSearchError):
    """There is no index at `place`."""

    place: Path

    def __str__(self) -> str:
        return f"There is no index at {self.place} yet."


@dataclass(eq=False)
class OtherEncoderError(CosmosSearchError):
    """The vectors of the index were made by another encoder than the wanted one; equal names: by another version."""

    made_by: str
    wanted: str

    def __str__(self) -> str:
        if self.made_by == self.wanted:
            return f"This index was made with another version of {self.wanted}."
        return f"This index was made with {self.made_by}, not with {self.wanted}."
