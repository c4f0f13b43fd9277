"""Walk through a folder and yield the picture files of one directory after the other."""

import errno
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise, takewhile
from pathlib import Path, PurePath

from indexer.pictures.ignore import IGNORE_FILE, IgnoreFileError, IgnoreRules
from indexer.pictures.suffixes import needs_extra, readable

__all__ = ["Directory", "FoundFile", "count_files", "get_device", "is_left_out", "walk"]

STORABLE_NS = range(-(2**63), 2**63)  # the years 1677 to 2262
# Directories of operating systems and network disks: trash, snapshots, thumbnails. Hidden names are left out as well.
SYSTEM_NAMES = re.compile(
    r"@eadir|@recycle|@recently-snapshot|@sharebin|@tmp|#recycle|#snapshot|~snapshot|\$recycle\.bin|recycle[rd]"
    r"|system volume information|found\.\d{3}|lost\+found|network trash folder|temporary items|ipod photo cache",
    re.IGNORECASE,
)

NO_RULES = IgnoreRules()


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file with the suffix of a picture. The path is absolute if the root of the walk was."""

    path: Path
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    device: int | None = None  # of its directory
    inodes: str | None = None  # of its directory, see Directory


@dataclass(frozen=True, slots=True)
class Directory:
    """One directory, without those below it."""

    path: Path
    files: list[FoundFile]  # by name
    device: int | None = None
    inodes: str | None = None  # of this directory and those above it, up to the top of the walk: "77 35 2"
    n_needs_extra: int = 0  # files that the extra [formats] is needed for
    unreadable: str | None = None  # why it could not be listed
    is_repeated: bool = False  # listed before under another path; not listed again
    bad_files: dict[Path, str] = field(default_factory=dict)  # files that could not be accessed, and why
    rules: IgnoreRules = NO_RULES  # of the ignore files here and above


def walk(root: Path, exclude: Sequence[str] = (), top: Path | None = None) -> Iterator[Directory]:
    """`root` and every directory below it, except those that are left out: see `is_left_out` and `IgnoreRules`.

    top: a directory above `root`; the inodes are recorded, and what is left out is decided, from this one on: there is
    nothing in a `root` that a walk from `top` would leave out.
    Links to directories are followed, also out of `root`, after all other directories. A directory with several paths
    is listed once. One whose ignore file can't be read is unreadable.
    """
    try:
        from_above = _read_rules_above(root, top or root, exclude)
    except IgnoreFileError as error:
        yield Directory(root, [], unreadable=str(error))
        return
    if from_above is None:
        return
    waiting = deque([(root, _read_inodes_above(root, top or root), from_above)])
    seen: set[tuple[int, int]] = set()
    while waiting:
        path, above, rules = waiting.popleft()
        try:
            status = path.stat()
            inodes = f"{status.st_ino} {above}".rstrip()
            if (status.st_dev, status.st_ino) in seen:
                yield Directory(path, [], get_device(status), inodes, is_repeated=True)
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(path) as found:
                entries = sorted(found, key=lambda e: e.name)
        except (FileNotFoundError, NotADirectoryError) as error:
            if path == root:
                yield Directory(path, [], unreadable=f"the folder can't be listed: {error.strerror}")
            continue  # a directory below was deleted meanwhile
        except OSError as error:
            yield Directory(path, [], unreadable=f"the folder can't be listed: {error.strerror}")
            continue
        try:
            if any(entry.name == IGNORE_FILE for entry in entries):
                rules = rules.read(path)
        except IgnoreFileError as error:
            yield Directory(path, [], unreadable=str(error))
            continue
        entries = [e for e in entries if not is_left_out(e.path, exclude)]
        if rules.specs:
            entries = [e for e in entries if not rules.matches(e.path, is_directory=_is_directory(e))]
        directories = [e for e in entries if _is_directory(e)]
        waiting.extendleft((Path(e.path), inodes, rules) for e in reversed(directories) if not e.is_symlink())
        waiting.extend((Path(e.path), inodes, rules) for e in directories if e.is_symlink())
        yield _list_files(path, entries, get_device(status), inodes, rules)


def is_left_out(path: str, exclude: Sequence[str] = ()) -> bool:
    """True if a file or directory is hidden, belongs to the system, or matches one of the glob patterns.

    A pattern is matched against the last parts of the path: "thumbs", "*_small.jpg", "2019/raw". A pattern that begins
    with "/" is matched against the entire path.
    """
    name = os.path.basename(path)  # noqa: PTH119  # called for every file on a disk: pathlib takes ten times as long
    if name.startswith(".") or SYSTEM_NAMES.fullmatch(name):
        return True
    return bool(exclude) and any(PurePath(path).match(pattern) for pattern in exclude)


def count_files(walks: Iterable[Iterator[Directory]], is_stopped: Callable[[], bool] = lambda: False) -> int:
    """The number of files that these walks find, so far if `is_stopped` returns True meanwhile."""
    directories = takewhile(lambda _: not is_stopped(), chain.from_iterable(walks))
    return sum(len(directory.files) for directory in directories)


def _read_inodes_above(root: Path, top: Path) -> str:
    try:
        return " ".join(str(path.stat().st_ino) for path in root.parents if path.is_relative_to(top))
    except OSError:
        return ""


def _read_rules_above(root: Path, top: Path, exclude: Sequence[str]) -> IgnoreRules | None:
    """The rules of the directories from `top` to the parent of `root`; None if they leave it out."""
    rules = NO_RULES
    parents = [path for path in root.parents if path.is_relative_to(top)]
    for parent, path in pairwise([*reversed(parents), root]):
        if os.path.lexists(parent / IGNORE_FILE):
            rules = rules.read(parent)
        if is_left_out(str(path), exclude) or rules.matches(str(path), is_directory=True):
            return None
    return rules


def _list_files(path: Path, entries: list[os.DirEntry[str]], device: int, inodes: str, rules: IgnoreRules) -> Directory:
    n_needs_extra = sum(needs_extra(_get_suffix(entry)) for entry in entries)
    directory = Directory(path, [], device, inodes, n_needs_extra, rules=rules)
    for entry in entries:
        if _get_suffix(entry) not in readable():
            continue
        try:
            status = entry.stat() if entry.is_file() else None
        except FileNotFoundError:  # deleted meanwhile
            continue
        except OSError as error:
            directory.bad_files[Path(entry.path)] = f"can't be read: {error.strerror}"
            continue
        if status is None:
            continue
        if status.st_mtime_ns in STORABLE_NS and status.st_ctime_ns in STORABLE_NS:
            times = status.st_mtime_ns, status.st_ctime_ns
            directory.files.append(FoundFile(Path(entry.path), status.st_size, *times, device, inodes))
        else:
            directory.bad_files[Path(entry.path)] = "its date is not between the years 1678 and 2261; set another one"
    return directory


def get_device(status: os.stat_result) -> int:
    """The device number of a file system, as SQLite can store it. It may change with each mount."""
    return status.st_dev % 2**63


def _get_suffix(entry: os.DirEntry[str]) -> str:
    return PurePath(entry.name).suffix.lower()


def _is_directory(entry: os.DirEntry[str]) -> bool:
    """True also for an entry that can't be accessed and has no picture's suffix: it may be a directory."""
    try:
        return entry.is_dir()
    except OSError as error:
        return error.errno != errno.ELOOP and _get_suffix(entry) not in readable()
