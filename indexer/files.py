"""Opening what a user names, and writing a file so that it appears whole: for all packages."""

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

__all__ = ["append_file", "open_file", "read_file", "replace_file"]

READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def open_file(path: Path) -> BinaryIO:
    """A regular file, opened for reading. Raises OSError for all else: a pipe would wait, a device might never end."""
    descriptor = os.open(path, READ)  # without O_NONBLOCK the opening of a pipe waits for its writer
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is not a regular file")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


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
    descriptor = os.open(path, APPEND | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(descriptor, "ab") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("it is not a regular file")
        file.write(data)
