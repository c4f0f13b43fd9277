"""Ignore files: patterns of pictures and folders to leave out, in the syntax of .gitignore, in a file beside them."""

import re
import warnings
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from indexer.files import read_file

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

__all__ = ["IGNORE_FILE", "IgnoreFileError", "IgnoreRules"]

IGNORE_FILE = ".cosmosignore"
MAX_BYTES = 1_000_000
CLASS = re.compile(r"^(?!#).*\[[^]]*\[:[^]]*:]")  # [[:alpha:]], which pathspec takes for something else


class IgnoreFileError(Exception):
    """An ignore file can't be read or has an invalid line; the text names the file and the line."""


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The patterns that apply in a directory: those of its own ignore file, and of those above it."""

    specs: "tuple[tuple[str, GitIgnoreSpec], ...]" = ()  # with the directory that has the file; outermost first

    def read(self, directory: Path) -> Self:
        """These and the patterns of the ignore file in a directory. Raises IgnoreFileError."""
        from pathspec import GitIgnoreSpec

        path = directory / IGNORE_FILE
        try:
            data = read_file(path, MAX_BYTES).removeprefix(BOM_UTF8)
        except OSError as error:
            raise IgnoreFileError(f"{path} can't be read: {error.strerror or error}") from error
        if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or b"\0" in data:
            raise IgnoreFileError(f"{path} is not a text in UTF-8; save it with this encoding")
        lines = data.decode("utf-8", "surrogateescape").split("\n")  # names may be in any encoding
        patterns = [_parse_line(path, number, line.removesuffix("\r")) for number, line in enumerate(lines, 1)]
        return type(self)((*self.specs, (str(directory), GitIgnoreSpec(patterns))))

    def matches(self, path: str, *, is_directory: bool) -> bool:
        """True if a path in this directory is left out. As in git, the innermost file that says something decides."""
        for directory, spec in reversed(self.specs):
            inside = path[len(directory) :].lstrip("/") + ("/" if is_directory else "")
            if (answer := spec.check_file(inside).include) is not None:
                return answer
        return False


def _parse_line(path: Path, number: int, line: str) -> "GitIgnoreSpecPattern":
    """The pattern of a line, which is without an effect for a blank line or a comment. Raises IgnoreFileError."""
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of re, for sets such as [[]
            pattern = None if CLASS.search(line) else GitIgnoreSpecPattern(line)
    except (ValueError, re.error):
        pattern = None
    is_blank = not line.strip() or line.startswith("#")
    if pattern is None or (pattern.include is None and not is_blank):
        raise IgnoreFileError(f"{path}, line {number}: {line!r} is not a valid pattern")
    return pattern
