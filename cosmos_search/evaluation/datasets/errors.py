"""Errors of test sets on disk."""

from dataclasses import dataclass
from pathlib import Path

from indexer.errors import CosmosSearchError

__all__ = ["AnnotationError", "MissingPicturesError"]


@dataclass(eq=False)
class AnnotationError(CosmosSearchError):
    """An annotation file is missing, damaged, or in another format. problem: a clause without full stop."""

    source: Path
    problem: str

    def __str__(self) -> str:
        return f"{self.source} can't be used for an evaluation: {self.problem}."


@dataclass(eq=False)
class MissingPicturesError(CosmosSearchError):
    """Pictures of a test set are not there. first: one of them. folders: where they were looked for."""

    source: Path
    n_missing: int
    n_pictures: int
    first: str
    folders: tuple[Path, ...]

    def __str__(self) -> str:
        folders = ", ".join(map(str, self.folders))
        n = "One" if self.n_missing == 1 else f"{self.n_missing:,}"
        verb = "is" if self.n_missing == 1 else "are"
        return f"{n} of the {self.n_pictures:,} pictures of {self.source} {verb} not in {folders}: {self.first}."
