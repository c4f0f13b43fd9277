"""Open regular files, and replace files atomically. Used by all packages."""

import os
import stat
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from indexer.errors import UsageError

__all__ = ["append_file", "expand_home", "open_file", "read_file", "replace_file"]

CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def expand_home(path: str | Path) -> Path:
    """Expand ~ in a path that a user typed. Raises UsageError for an unknown user.

    Without the error, the text would be taken as the name of a folder in the current directory.
    """
    expanded = os.path.expanduser(path)  # noqa: PTH111  (Path drops a leading ./, which protects a ~)
    if str(expanded).startswith("~"):
        name = Path(expanded).parts[0]
        raise UsageError(f"There is no home directory {name}; for a file or folder of that name use ./{name}")
    plain = Path(expanded)
    return plain.absolute() if str(plain).startswith("~") else plain  # so that it can be expanded again


def open_file(path: Path) -> BufferedReader:
    """Open a regular file for reading. Raises OSError for other kinds: a pipe could block, a device be endless."""
    return open(path, "rb", opener=_open_regular)


def read_file(path: Path, max_bytes: int | None = None) -> bytes:
    """The content of a regular file. Raises OSError for other kinds, and for files of more than `max_bytes`."""
    with open_file(path) as file:
        data = file.read() if max_bytes is None else file.read(max_bytes + 1)
    if max_bytes is not None and len(data) > max_bytes:
        raise OSError(f"it has more than {max_bytes:,} bytes")
    return data


def replace_file(
    path: Path, write: Callable[[BinaryIO], object], *, sync: bool = True, permissions: int = 0o666
) -> None:
    """Replace a file atomically by what `write` writes. Raises OSError; the old file is then unchanged.

    sync: flush the content to the disk; not needed for a cache, where a file that is lost or empty after a power
    failure is made again. permissions: of a new file, less the umask.

    The new file is written beside it under a random name, synced and renamed, so that readers see either the old or the
    new file. A link at the path is replaced, not followed.
    """
    import secrets  # takes a millisecond, and few programs write files

    partial = path.with_name(f".{path.name[:40]}-{secrets.token_hex(8)}.partial")
    descriptor = os.open(partial, CREATE, permissions)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            write(file)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def append_file(path: Path, data: bytes) -> None:
    """Append to a file, or create it. Raises OSError, also if there is a link or a pipe."""
    with open(path, "ab", opener=_open_regular) as file:
        file.write(data)


def _open_regular(path: str, flags: int) -> int:
    """An opener for `open`. Opens without blocking, because a pipe would block until its other end is opened."""
    if flags & os.O_APPEND:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0), 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("it is not a regular file")
    return descriptor
