"""Folders that a visitor can choose: those of the server's user, with the number of pictures in each."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath
from time import monotonic

from platformdirs import user_pictures_path

from indexer.ingest.errors import FolderError
from indexer.ingest.scan_plan import real_path
from indexer.pictures.ignore import IGNORE_FILE, IgnoreFileError, IgnoreRules
from indexer.pictures.suffixes import needs_extra, readable
from indexer.pictures.walk import is_left_out

__all__ = ["Count", "FolderListing", "Subfolder", "check_choosable", "find_home", "find_start", "list_folder"]

NO_RULES = IgnoreRules()
COUNT_S = 0.2  # seconds of counting pictures
MAX_SUBFOLDERS = 500  # of one listing


@dataclass(frozen=True, slots=True)
class Count:
    """Files in a folder and in those below it. is_complete: False if time was up before all were counted."""

    n_pictures: int = 0
    n_needs_extra: int = 0  # pictures that need the extra [formats]
    is_complete: bool = True

    def __add__(self, other: "Count") -> "Count":
        return Count(
            self.n_pictures + other.n_pictures,
            self.n_needs_extra + other.n_needs_extra,
            self.is_complete and other.is_complete,
        )


@dataclass(frozen=True, slots=True)
class Subfolder:
    """A folder in a listing."""

    name: str
    path: Path  # without links
    is_readable: bool
    count: Count
    is_ignored: bool = False  # by an ignore file of the listed folder


@dataclass(frozen=True, slots=True)
class FolderListing:
    """A folder and those in it, by name."""

    path: Path
    crumbs: tuple[Path, ...]  # the folders that lead to it: the first one is the home folder, the last one itself
    subfolders: tuple[Subfolder, ...]
    n_not_shown: int  # subfolders over the limit
    count: Count
    problem: str | None = None  # why none of its pictures can be indexed: an invalid ignore file


def find_home() -> Path:
    """The home folder of the server's user; a path that is no folder if there is none, as in some containers."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.devnull)


def find_start(home: Path) -> Path:
    """The folder to begin with: that for pictures where the system names one, or the home folder."""
    try:
        return check_choosable(user_pictures_path(), home)
    except FolderError:
        return home


def check_choosable(path: Path, home: Path) -> Path:
    """The path without links. Raises FolderError unless it is a folder in `home`, or `home`, and not hidden."""
    real, home = real_path(path), real_path(home)
    if not real.is_relative_to(home) or any(is_left_out(part) for part in real.relative_to(home).parts):
        raise FolderError(path, "is not in the list")
    if not os.path.isdir(real):  # noqa: PTH112  # False, too, if a folder above it may not be entered
        raise FolderError(path, "is not there any more")
    return real


def list_folder(path: Path, home: Path, seconds: float = COUNT_S) -> FolderListing:
    """The subfolders of a folder, without hidden ones, those of the system, and links that lead out of `home`.

    seconds: how long pictures are counted. Those that an ignore file leaves out, in the listed folder or below it, are
    not counted, and links are not followed.
    Raises FolderError if the folder cannot be chosen or read.
    """
    home, folder = real_path(home), check_choosable(path, home)
    deadline = monotonic() + seconds
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError as error:
        raise FolderError(folder, f"can't be opened ({error.strerror})") from error
    paths = {entry.name: real for entry in entries if (real := _find_directory(entry, home)) is not None}
    rules, problem = NO_RULES, None
    try:
        rules = _read_rules(folder, NO_RULES)
    except IgnoreFileError as error:
        problem = str(error)
    own, _ = _count_files((entry for entry in entries if entry.name not in paths), rules, deadline)
    names = sorted(paths, key=str.casefold)[:MAX_SUBFOLDERS]
    shown = [_make_subfolder(folder, name, paths[name], rules, deadline) for name in names]
    n_not_shown = len(paths) - len(shown)
    total = sum((one.count for one in shown), own + Count(is_complete=not n_not_shown)) if problem is None else Count()
    crumbs = [one for one in (folder, *folder.parents) if one.is_relative_to(home)]
    return FolderListing(folder, tuple(reversed(crumbs)), tuple(shown), n_not_shown, total, problem)


def _make_subfolder(folder: Path, name: str, path: Path, rules: IgnoreRules, deadline: float) -> Subfolder:
    is_readable = os.access(path, os.R_OK | os.X_OK)
    is_ignored = rules.matches(str(folder / name), is_directory=True)
    count = _count(folder / name, rules, deadline) if is_readable and not is_ignored else Count()
    return Subfolder(name, path, is_readable, count, is_ignored)


def _find_directory(entry: os.DirEntry[str], home: Path) -> Path | None:
    """The real path of an entry that is a directory which can be chosen."""
    try:
        if is_left_out(entry.path) or not entry.is_dir():
            return None
        return check_choosable(Path(entry.path), home) if entry.is_symlink() else Path(entry.path)
    except (OSError, FolderError):
        return None


def _count(folder: Path, rules: IgnoreRules, deadline: float) -> Count:
    """Pictures in a folder and in those below it. rules: of the folders above it."""
    total, waiting = Count(), [(str(folder), rules)]
    while waiting and total.is_complete:
        path, rules = waiting.pop()
        try:
            rules = _read_rules(Path(path), rules)
            with os.scandir(path) as entries:
                n, directories = _count_files(entries, rules, deadline)
        except (OSError, IgnoreFileError):  # none of its pictures can be indexed
            continue
        total += n
        waiting += [(directory, rules) for directory in directories]
    return total


def _read_rules(folder: Path, rules: IgnoreRules) -> IgnoreRules:
    """The rules from above and those of the folder's ignore file, if it has one. Raises IgnoreFileError."""
    return rules.read(folder) if os.path.lexists(folder / IGNORE_FILE) else rules


def _count_files(entries: Iterable[os.DirEntry[str]], rules: IgnoreRules, deadline: float) -> tuple[Count, list[str]]:
    """Pictures among the entries of a folder, and the paths of its directories."""
    n_pictures = n_needs_extra = 0
    directories: list[str] = []
    for entry in entries:
        if monotonic() > deadline:
            return Count(n_pictures, n_needs_extra, is_complete=False), directories
        suffix = PurePath(entry.name).suffix.lower()
        is_directory = entry.is_dir(follow_symlinks=False)
        if is_left_out(entry.path) or rules.matches(entry.path, is_directory=is_directory):
            continue
        if is_directory:
            directories.append(entry.path)
        elif suffix in readable():
            n_pictures += 1
        elif needs_extra(suffix):
            n_needs_extra += 1
    return Count(n_pictures, n_needs_extra), directories
