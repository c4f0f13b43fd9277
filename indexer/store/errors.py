"""Errors of the index at a place: it is missing, can't be opened or created, or its disk or database fails."""

from dataclasses import dataclass
from pathlib import Path

from indexer.errors import CosmosSearchError
from indexer.places import Place

__all__ = [
    "CreateIndexError",
    "DamagedIndexError",
    "EmptyIndexError",
    "FullDiskError",
    "IndexAccessError",
    "IndexBusyError",
    "NewerIndexError",
    "NoIndexError",
    "NotAnIndexedFolderError",
    "OldIndexError",
    "ReadOnlyIndexError",
    "ReplacedIndexError",
    "ServerError",
    "StorageError",
    "VectorFileError",
]

KEPT = "What was indexed before is kept"


@dataclass(eq=False)
class NoIndexError(CosmosSearchError):
    """There is no index at `place`."""

    place: Place

    def __str__(self) -> str:
        return f"There is no index at {self.place} yet."


@dataclass(eq=False)
class EmptyIndexError(CosmosSearchError):
    """The index at `place` has no pictures."""

    place: Place

    def __str__(self) -> str:
        return f"The index at {self.place} holds no pictures yet."


@dataclass(eq=False)
class CreateIndexError(CosmosSearchError):
    """There is no index at `place`, and none can be created there."""

    place: Place
    problem: str

    def __str__(self) -> str:
        return f"{self.place} can't be used for an index: {self.problem}."


@dataclass(eq=False)
class IndexBusyError(CosmosSearchError):
    """Another process is writing to the index at `place`."""

    place: Place

    def __str__(self) -> str:
        return f"Another process is writing to the index at {self.place}. Try again when it has finished."


@dataclass(eq=False)
class OldIndexError(CosmosSearchError):
    """The index at `place` needs a migration, but cannot be written."""

    place: Place

    def __str__(self) -> str:
        return f"The index at {self.place} was written by an older version of this program and is read-only."


@dataclass(eq=False)
class NewerIndexError(CosmosSearchError):
    """The index at `place` was written by a newer version of this program."""

    place: Place

    def __str__(self) -> str:
        return f"The index at {self.place} was written by a newer cosmos-search."


class StorageError(CosmosSearchError):
    """The disk or the database fails: full, read-only, damaged, cannot be opened."""


@dataclass(eq=False)
class IndexAccessError(StorageError):
    """The index at `place` cannot be opened, locked, read or written."""

    place: Place
    problem: str  # "can't be opened (Permission denied)"

    def __str__(self) -> str:
        return f"The index at {self.place} {self.problem}."


@dataclass(eq=False)
class ServerError(StorageError):
    """The server of the index at `place` can't be reached, or ended a transaction, which may succeed later."""

    place: Place
    problem: str  # "can't be reached (Connection refused)"

    def __str__(self) -> str:
        return f"The server of the index at {self.place} {self.problem}. {KEPT}."


@dataclass(eq=False)
class FullDiskError(StorageError):
    """The disk of the index at `place` is full."""

    place: Place

    def __str__(self) -> str:
        return f"The disk of the index at {self.place} is full. {KEPT}. Free some space and try again."


@dataclass(eq=False)
class ReadOnlyIndexError(StorageError):
    """The index at `place` cannot be written."""

    place: Path

    def __str__(self) -> str:
        return f"The index at {self.place} is read-only and was not changed."


@dataclass(eq=False)
class DamagedIndexError(StorageError):
    """The database of the index at `place` has content that neither SQLite nor this program can have written."""

    place: Path
    problem: str

    def __str__(self) -> str:
        return f"The index at {self.place} is damaged ({self.problem})."


@dataclass(eq=False)
class ReplacedIndexError(StorageError):
    """The index at `place` was deleted or replaced while this process wrote to it."""

    place: Place

    def __str__(self) -> str:
        return (
            f"The index at {self.place} was deleted or replaced while it was in use, so the last changes are lost. "
            "Try again."
        )


@dataclass(eq=False)
class VectorFileError(StorageError):
    """The vector files of the index at `place` can't be written. They can be created from the database at any time."""

    place: Path
    reason: str

    def __str__(self) -> str:
        return (
            f"The vector files of the index at {self.place} can't be written ({self.reason}). "
            "Everything that was indexed is kept; the next indexing run writes them."
        )


@dataclass(eq=False)
class NotAnIndexedFolderError(CosmosSearchError):
    """A given path is not one of the indexed folders."""

    path: Path

    def __str__(self) -> str:
        return f"{self.path} is not an indexed folder."
