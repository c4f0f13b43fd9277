"""The pictures below a folder, directory by directory, found while you wait for the next one."""

import errno
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path, PurePath

__all__ = ["Directory", "FoundFile", "count_files", "device_of", "is_left_out", "walk"]

ALWAYS = frozenset(".jpg .jpeg .jpe .jfif .png .webp .gif .bmp .tif .tiff .avif".split())
HEIF = frozenset(".heic .heif .hif".split())  # with pillow-heif
STORABLE_NS = range(-(2**63), 2**63)  # the years 1677 to 2262
RAW = frozenset(".dng .cr2 .cr3 .nef .arw .orf .rw2 .raf .pef .srw".split())  # with rawpy
# What operating systems and network disks keep for themselves: trash, snapshots, thumbnails. Hidden names come on top.
SYSTEM_NAMES = re.compile(
    r"@eadir|@recycle|@recently-snapshot|@sharebin|@tmp|#recycle|#snapshot|~snapshot|\$recycle\.bin|recycle[rd]"
    r"|system volume information|found\.\d{3}|lost\+found|network trash folder|temporary items|ipod photo cache",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that looks like a picture by its name. path is absolute if the walk's root was."""

    path: Path
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    device: int | None = None  # of its directory
    inodes: str | None = None  # of its directory, see Directory


@dataclass(frozen=True, slots=True)
class Directory:
    """What one directory holds, without those below it."""

    path: Path
    files: list[FoundFile]  # by name
    device: int | None = None
    inodes: str | None = None  # of this directory and those above it, up to the top of the walk: "77 35 2"
    n_needs_extra: int = 0  # files that the extra [formats] would find
    unreadable: str | None = None  # why it could not be listed
    is_repeated: bool = False  # seen before in another way, and not looked into again
    bad_files: dict[Path, str] = field(default_factory=dict)  # files that could not be looked at, and why


def walk(root: Path, exclude: Sequence[str] = (), top: Path | None = None) -> Iterator[Directory]:
    """Every directory below `root`, and `root` itself, but for what is left out (see `is_left_out`).

    top: a directory above `root` up to which inodes are noted.
    Links are followed, out of `root` too, after everything else; a directory that can be reached in two ways is
    looked into once.
    """
    waiting = deque([(root, _inodes_above(root, top or root))])
    seen: set[tuple[int, int]] = set()
    while waiting:
        path, above = waiting.popleft()
        try:
            status = path.stat()
            inodes = f"{status.st_ino} {above}".rstrip()
            if (status.st_dev, status.st_ino) in seen:
                yield Directory(path, [], device_of(status), inodes, is_repeated=True)
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(path) as found:
                entries = sorted((e for e in found if not is_left_out(e.path, exclude)), key=lambda e: e.name)
        except (FileNotFoundError, NotADirectoryError) as error:
            if path == root:
                yield Directory(path, [], unreadable=f"the folder can't be listed: {error.strerror}")
            continue  # else it was deleted since it was found
        except OSError as error:
            yield Directory(path, [], unreadable=f"the folder can't be listed: {error.strerror}")
            continue
        directories = [e for e in entries if _is_directory(e)]
        waiting.extendleft((Path(e.path), inodes) for e in reversed(directories) if not e.is_symlink())
        waiting.extend((Path(e.path), inodes) for e in directories if e.is_symlink())
        yield _directory(path, entries, device_of(status), inodes)


def is_left_out(path: str, exclude: Sequence[str] = ()) -> bool:
    """Whether a file or directory is hidden (`._*` too), the system's own, or matches one of the glob patterns.

    A pattern is matched against the end of the path, part by part: "thumbs", "*_small.jpg", "2019/raw"; one that begins
    with "/" against the whole path.
    """
    name = os.path.basename(path)  # noqa: PTH119  # for every entry of a disk: pathlib takes ten times as long
    if name.startswith(".") or SYSTEM_NAMES.fullmatch(name):
        return True
    return bool(exclude) and any(PurePath(path).match(pattern) for pattern in exclude)


def count_files(roots: Iterable[tuple[Path, Sequence[str]]], is_stopped: Callable[[], bool] = lambda: False) -> int:
    """How many files there are to look at below these folders, each with its patterns; one that is gone has none."""
    directories = (directory for root, exclude in roots for directory in walk(root, exclude))
    return sum(len(directory.files) for directory in takewhile(lambda _: not is_stopped(), directories))


def _inodes_above(root: Path, top: Path) -> str:
    try:
        return " ".join(str(path.stat().st_ino) for path in root.parents if path.is_relative_to(top))
    except OSError:
        return ""


def _directory(path: Path, entries: list[os.DirEntry[str]], device: int, inodes: str) -> Directory:
    readable, needs_extra = _suffixes()
    directory = Directory(path, [], device, inodes, sum(_suffix(entry) in needs_extra for entry in entries))
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
            times = status.st_mtime_ns, status.st_ctime_ns
            directory.files.append(FoundFile(Path(entry.path), status.st_size, *times, device, inodes))
        else:
            directory.bad_files[Path(entry.path)] = "its date is not between the years 1678 and 2261; set another one"
    return directory


def device_of(status: os.stat_result) -> int:
    """The number of a file system, which may change whenever it is mounted, as SQLite can store it."""
    return status.st_dev % 2**63


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
