"""Errors of the training data. This module must import neither torch nor Pillow: the command line reads it early."""

from dataclasses import dataclass
from pathlib import Path

from indexer.errors import CosmosSearchError

__all__ = ["AlreadyShardsError", "FeatureCacheError", "NoPicturesError", "SampleError"]


@dataclass(eq=False)
class SampleError(CosmosSearchError):
    """A sample cannot be used for a reason other than its picture (no caption, damaged JSON); a run skips it."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(eq=False)
class AlreadyShardsError(CosmosSearchError):
    """What to prepare shards from is a shard or holds shards, with which a run can be started directly."""

    folder: Path

    def __str__(self) -> str:
        return f"{self.folder} holds shards already."


@dataclass(eq=False)
class FeatureCacheError(CosmosSearchError):
    """The cached features in a folder cannot be used."""

    folder: Path
    problem: str

    def __str__(self) -> str:
        return f"The cached features in {self.folder} can't be used: {self.problem}."


@dataclass(eq=False)
class NoPicturesError(CosmosSearchError):
    """None of the pictures that an annotation file names exists. folders: where they were looked for."""

    source: Path
    n_pictures: int
    folders: tuple[Path, ...]

    def __str__(self) -> str:
        folders = ", ".join(map(str, self.folders))
        return f"None of the {self.n_pictures} pictures that {self.source} names is in {folders}."
