"""The errors that a user can cause or fix. The fields say what is wrong; the callers add commands or buttons that help.

A class with fields is a dataclass with a `__str__`. Create it with positional arguments: only these are pickled.
"""

from dataclasses import dataclass
from pathlib import Path

from indexer.places import Place
from indexer.plural import count

__all__ = [
    "CosmosSearchError",
    "CreateIndexError",
    "DamagedIndexError",
    "EmptyFolderError",
    "EmptyIndexError",
    "FolderError",
    "FullDiskError",
    "IndexAccessError",
    "IndexBusyError",
    "MissingFilesError",
    "MissingFolderError",
    "NewerIndexError",
    "NoFoldersError",
    "NoIndexError",
    "NotAnIndexedFolderError",
    "OldIndexError",
    "OtherEncoderError",
    "OtherRegionsError",
    "PictureError",
    "ReadOnlyIndexError",
    "ReplacedIndexError",
    "ServerError",
    "StorageError",
    "UnfinishedRebuildError",
    "UsageError",
    "VectorFileError",
    "WatchError",
]

KEPT = "What was indexed before is kept"


class CosmosSearchError(Exception):
    """Base of all errors that are not bugs; the command line shows one line and exits with 1."""


class UsageError(CosmosSearchError):
    """An argument is wrong (an empty query, a count of 0); the command line exits with 2."""


class PictureError(CosmosSearchError):
    """A picture cannot be read. An indexing run counts it, stores the reason and continues."""


# the index as a whole


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


# the disk and the database


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


# folders and files


@dataclass(eq=False)
class NoFoldersError(CosmosSearchError):
    """No folder was given, and the index has none."""

    def __str__(self) -> str:
        return "This index holds no folder yet."


@dataclass(eq=False)
class FolderError(CosmosSearchError):
    """A given path is not a folder that can be opened."""

    path: Path
    problem: str  # "does not exist; check its spelling"

    def __str__(self) -> str:
        return f"The folder {self.path} {self.problem}."


@dataclass(eq=False)
class NotAnIndexedFolderError(CosmosSearchError):
    """A given path is not one of the indexed folders."""

    path: Path

    def __str__(self) -> str:
        return f"{self.path} is not an indexed folder."


@dataclass(eq=False)
class MissingFolderError(CosmosSearchError):
    """An indexed folder is not there. A warning, unless it is needed: for a rebuild, which embeds all pictures."""

    path: Path
    is_needed: bool = False

    def __str__(self) -> str:
        effect = "so its pictures can't be embedded again." if self.is_needed else "its pictures stay in the index."
        return f"{self.path} is not there{', ' if self.is_needed else '; '}{effect}"


@dataclass(eq=False)
class MissingFilesError(CosmosSearchError):
    """A warning: files of an indexed folder (`path`: of this part of it) are missing and stay in the index."""

    path: Path
    n_files: int

    def __str__(self) -> str:
        files = count(self.n_files, "indexed file")
        are, they = ("is", "it stays") if self.n_files == 1 else ("are", "they stay")
        return f"{files} of {self.path} {are} not there; {they} in the index in case a disk is not mounted."


@dataclass(eq=False)
class EmptyFolderError(MissingFilesError):
    """A warning: no file was found in `path`, which is the indexed folder `folder` or a part of it."""

    folder: Path

    def __str__(self) -> str:
        files = count(self.n_files, "file", "stays", "stay")
        return f"{self.path} is empty now; its {files} in the index in case a disk is not mounted."


@dataclass(eq=False)
class WatchError(CosmosSearchError):
    """The system can't report changes in so many folders."""

    reason: str

    def __str__(self) -> str:
        return f"Changes in the folders can't be watched ({self.reason})."


# encoders


@dataclass(eq=False)
class OtherEncoderError(CosmosSearchError):
    """The vectors of the index were made by another encoder than the wanted one; equal names: by another version."""

    made_by: str
    wanted: str

    def __str__(self) -> str:
        if self.made_by == self.wanted:
            return f"This index was made with another version of {self.wanted}."
        return f"This index was made with {self.made_by}, not with {self.wanted}."


@dataclass(eq=False)
class OtherRegionsError(CosmosSearchError):
    """The index has vectors of another kind of regions than the wanted one."""

    made_with: str
    wanted: str

    def __str__(self) -> str:
        return f"This index was made with {self.made_with} regions, not with {self.wanted} regions."


@dataclass(eq=False)
class UnfinishedRebuildError(CosmosSearchError):
    """A warning: some pictures have no vector of the new encoder, so searches use the old vectors."""

    n_pictures: int
    made_by: str
    regions: str
    wanted: str  # the new encoder
    wanted_regions: str

    def __str__(self) -> str:
        pictures = count(self.n_pictures, "picture")
        return (
            f"{pictures} could not be read again, so searches use the old vectors ({self.made_by}, "
            f"{self.regions} regions)."
        )
