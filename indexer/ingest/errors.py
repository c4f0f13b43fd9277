"""Errors and warnings of indexing and watching folders."""

from dataclasses import dataclass
from pathlib import Path

from indexer.errors import CosmosSearchError
from indexer.plural import count

__all__ = [
    "EmptyFolderError",
    "FolderError",
    "MissingFilesError",
    "MissingFolderError",
    "NoFoldersError",
    "OtherRegionsError",
    "UnfinishedRebuildError",
    "WatchError",
]


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
