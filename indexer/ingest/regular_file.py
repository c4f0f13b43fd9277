"""Open a file so that reading it ends: a regular one, of a bounded size, until the run is stopped."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from threading import Event
from typing import BinaryIO

from indexer.errors import PictureError

__all__ = ["MAX_FILE_BYTES", "BoundedFile", "StoppedError", "open_regular"]

MAX_FILE_BYTES = 4_000_000_000
FIRST_BYTES = 1 << 20  # are read of a file whose size is 0: it may not be true, and reading it may fail


class StoppedError(Exception):
    """The run is to end before this file is read."""


@dataclass(slots=True)
class BoundedFile:
    """The next `n_left` bytes of a file, which may grow while it is read."""

    file: BinaryIO
    n_left: int
    stop: Event

    def read(self, n_bytes: int) -> bytes:
        """Raises StoppedError once `stop` is set."""
        if self.stop.is_set():
            raise StoppedError
        content = self.file.read(min(n_bytes, self.n_left))
        self.n_left -= len(content)
        return content


@contextmanager
def open_regular(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """A file and how many bytes to read of it. Raises PictureError for a pipe, a device, or a file that is too large.

    A pipe that took the place of a picture is not waited for.
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
