"""Open regular files and read at most their size, so that reading always ends."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG
from threading import Event
from typing import BinaryIO

from indexer.errors import PictureError

__all__ = ["MAX_FILE_BYTES", "BoundedFile", "StoppedError", "open_regular"]

MAX_FILE_BYTES = 4_000_000_000
FIRST_BYTES = 1 << 20  # read of a file with size 0: some file systems report a wrong size, and reading may then fail


class StoppedError(Exception):
    """The run was stopped while a file was being read."""


class BoundedFile(io.RawIOBase):
    """The next `n_bytes` bytes of a file that may grow while it is read. Raises StoppedError once `stop` is set."""

    def __init__(self, file: BinaryIO, n_bytes: int, stop: Event) -> None:
        self._file = file
        self._n_left = n_bytes
        self._stop = stop

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        if self._stop.is_set():
            raise StoppedError
        content = self._file.read(min(len(buffer), self._n_left))
        buffer[: len(content)] = content
        self._n_left -= len(content)
        return len(content)


@contextmanager
def open_regular(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """A regular file and the number of bytes to read. Raises PictureError for other kinds and for too large files.

    It is opened without blocking: a named pipe at this path is refused immediately.
    """
    flags = os.O_NONBLOCK | os.O_NOCTTY
    with open(path, "rb", opener=lambda name, mode: os.open(name, mode | flags)) as file:
        status = os.fstat(file.fileno())
        if not S_ISREG(status.st_mode):
            raise PictureError("it is not a regular file")
        if status.st_size > MAX_FILE_BYTES:
            size, limit = (n_bytes / 1e9 for n_bytes in (status.st_size, MAX_FILE_BYTES))
            raise PictureError(f"too large: {size:.1f} GB, over the limit of {limit:g} GB")
        yield file, status.st_size or FIRST_BYTES
