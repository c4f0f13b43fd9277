"""Ignore files: patterns of pictures and folders to leave out, in the syntax of .gitignore, in a file beside them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from indexer.files import read_file

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

__all__ = ["IGNORE_FILE", "IgnoreRules"]

IGNORE_FILE = ".cosmosignore"
MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The patterns that apply in a directory: those of its own ignore file, and of those above it."""

    specs: "tuple[tuple[str, GitIgnoreSpec], ...]" = ()  # with the directory that has the file; outermost first

    def read(self, directory: Path) -> Self:
        """These and the patterns of the ignore file in a directory. Raises OSError, ValueError for a bad pattern."""
        from pathspec import GitIgnoreSpec

        lines = read_file(directory / IGNORE_FILE, MAX_BYTES).decode("utf-8", "surrogateescape").splitlines()
        return type(self)((*self.specs, (str(directory), GitIgnoreSpec.from_lines(lines))))

    def matches(self, path: str, *, is_directory: bool) -> bool:
        """True if a path in this directory is left out. As in git, the innermost file that says something decides."""
        for directory, spec in reversed(self.specs):
            inside = path[len(directory) :].lstrip("/") + ("/" if is_directory else "")
            if (answer := spec.check_file(inside).include) is not None:
                return answer
        return False
