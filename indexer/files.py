"""Opening what a user names, and writing a file so that it appears whole: for all packages."""

import os
import secrets
import stat
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from indexer.errors import UsageError

__all__ = ["append_file", "expand_home", "open_file", "read_file", "replace_file"]

CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def expand_home(path: str | Path) -> Path:
    """A path as a user writes it, with ~ for a home. Raises UsageError for that of an unknown user.

    Taken as it stands, that would name a folder here, and a new one would be made.
    """
    expanded = os.path.expanduser(path)  # noqa: PTH111  (Path loses a ./ at the beginning, which says: no home)
    if str(expanded).startswith("~"):
        name = Path(expanded).parts[0]
        raise UsageError(f"There is no home {name}; a file or folder of that name here is ./{name}")
    whole = Path(expanded)
    return whole.absolute() if str(whole).startswith("~") else whole  # or who expands it again takes it for a home


def open_file(path: Path) -> BufferedReader:
    """A regular file, opened for reading. Raises OSError for all else: a pipe would wait, a device might never end."""
    return open(path, "rb", opener=_open_regular)


def read_file(path: Path, max_bytes: int | None = None) -> bytes:
    """The content of a regular file. Raises OSError for all else, and for one of more than `max_bytes`."""
    with open_file(path) as file:
        data = file.read() if max_bytes is None else file.read(max_bytes + 1)
    if max_bytes is not None and len(data) > max_bytes:
        raise OSError(f"it has more than {max_bytes:,} bytes")
    return data


def replace_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Put what `write` writes at a path. Raises OSError; then what was there stays, and nothing else is left.

    It is written beside, under a name that nobody can know, synced and renamed: a reader finds the old file or the
    new one, and a link at the path is replaced rather than followed.
    """
    partial = path.with_name(f".{path.name[:40]}-{secrets.token_hex(8)}.partial")
    descriptor = os.open(partial, CREATE, 0o666)  # less the umask
    try:
        with os.fdopen(descriptor, "w+b") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def append_file(path: Path, data: bytes) -> None:
    """Add to the end of a file, which is made if it is absent. Raises OSError, also where a link or a pipe is."""
    with open(path, "ab", opener=_open_regular) as file:
        file.write(data)


def _open_regular(path: str, flags: int) -> int:
    """Without O_NONBLOCK the opening of a pipe waits for its other end."""
    if flags & os.O_APPEND:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0), 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("it is not a regular file")
    return descriptor
