"""The pictures below a folder, directory by directory, found while you wait for the next one."""

import errno
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path, PurePath

__all__ = ["Directory", "FoundFile", "count_files", "walk"]

ALWAYS = frozenset(".jpg .jpeg .jpe .jfif .png .webp .gif .bmp .tif .tiff .avif".split())
HEIF = frozenset(".heic .heif .hif".split())  # with pillow-heif
STORABLE_NS = range(-(2**63), 2**63)  # the years 1677 to 2262
RAW = frozenset(".dng .cr2 .cr3 .nef .arw .orf .rw2 .raf .pef .srw".split())  # with rawpy


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that looks like a picture by its name. path is absolute if the walk's root was."""

    path: Path
    size_bytes: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True, slots=True)
class Directory:
    """What one directory holds, without those below it."""

    path: Path
    files: list[FoundFile]  # by name
    n_needs_extra: int = 0  # files that the extra [formats] would find
    unreadable: str | None = None  # why it could not be listed
    bad_files: dict[Path, str] = field(default_factory=dict)  # files that could not be looked at, and why


def walk(root: Path) -> Iterator[Directory]:
    """Every directory below `root`, and `root` itself; hidden ones and hidden files (`._*` too) are left out.

    Links are followed, after everything else; a directory that can be reached in two ways is seen once.
    """
    waiting = deque([root])
    seen: set[tuple[int, int]] = set()
    while waiting:
        path = waiting.popleft()
        try:
            status = path.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(path) as found:
                entries = sorted((e for e in found if not e.name.startswith(".")), key=lambda e: e.name)
        except (FileNotFoundError, NotADirectoryError) as error:
            if path == root:
                yield Directory(path, [], unreadable=f"the folder can't be listed: {error.strerror}")
            continue  # else it was deleted since it was found
        except OSError as error:
            yield Directory(path, [], unreadable=f"the folder can't be listed: {error.strerror}")
            continue
        directories = [e for e in entries if _is_directory(e)]
        waiting.extendleft(Path(e.path) for e in reversed(directories) if not e.is_symlink())
        waiting.extend(Path(e.path) for e in directories if e.is_symlink())
        yield _directory(path, entries)


def count_files(roots: Iterable[Path], is_stopped: Callable[[], bool] = lambda: False) -> int:
    """How many files there are to look at below these folders; those that are gone count nothing."""
    directories = (directory for root in roots if root.is_dir() for directory in walk(root))
    return sum(len(directory.files) for directory in takewhile(lambda _: not is_stopped(), directories))


def _directory(path: Path, entries: list[os.DirEntry[str]]) -> Directory:
    readable, needs_extra = _suffixes()
    directory = Directory(path, [], sum(_suffix(entry) in needs_extra for entry in entries))
    for entry in entries:
        if _suffix(entry) not in readable:
            continue
        try:
            status = entry.stat() if entry.is_file() else None
        except FileNotFoundError:  # deleted since it was listed
            continue
        except OSError as error:
            directory.bad_files[Path(entry.path)] = f"can't be read: {error.strerror}"
            continue
        if status is None:
            continue
        if status.st_mtime_ns in STORABLE_NS and status.st_ctime_ns in STORABLE_NS:
            file = FoundFile(Path(entry.path), status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            directory.files.append(file)
        else:
            directory.bad_files[Path(entry.path)] = "its date is not between the years 1678 and 2261; set another one"
    return directory


def _suffix(entry: os.DirEntry[str]) -> str:
    return PurePath(entry.name).suffix.lower()


def _is_directory(entry: os.DirEntry[str]) -> bool:
    """Also what can't be looked at and isn't named like a picture: it may be a directory on a disk that fails."""
    try:
        return entry.is_dir()
    except OSError as error:
        return error.errno != errno.ELOOP and _suffix(entry) not in _suffixes()[0]


@cache
def _suffixes() -> tuple[frozenset[str], frozenset[str]]:
    """Those that can be read here, and those that could with the extra."""
    extras = {HEIF: "pillow_heif", RAW: "rawpy"}
    there = [suffixes for suffixes, package in extras.items() if find_spec(package)]
    readable = ALWAYS.union(*there)
    return readable, HEIF.union(RAW) - readable
