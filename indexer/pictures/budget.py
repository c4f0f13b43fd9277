"""Limits of memory and time for decoding pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock
from time import thread_time
from typing import Any, BinaryIO

from indexer.cores import available_cores
from indexer.errors import PictureError

__all__ = ["PICTURE_BYTES", "Memory", "TimedFile", "memory"]

PICTURE_BYTES = 540_000_000  # limit for decoding one picture, including the result
SMALL_BYTES = 64_000_000  # smaller pictures are not counted
CORE_BYTES = 150_000_000  # limit per core for all pictures that are being decoded
OPENING_BYTES = 256_000_000  # limit for the part of a file that is read before its pixels
MAX_SECONDS = 30.0  # CPU time for one picture


class Memory:
    """A budget of bytes, shared by threads. A thread that needs more than is free waits."""

    def __init__(self, n_bytes: int) -> None:
        self._n_free = n_bytes
        self._turn = Lock()  # held by the thread that waits, so that smaller pictures can't overtake a large one
        self._changed = Condition()

    @contextmanager
    def reserve(self, n_bytes: int) -> Iterator[None]:
        """Reserve bytes. To be entered once per picture: nested reservations could cause a deadlock."""
        if n_bytes <= SMALL_BYTES:
            yield
            return
        with self._turn, self._changed:
            self._changed.wait_for(lambda: self._n_free >= n_bytes)
            self._n_free -= n_bytes
        try:
            yield
        finally:
            with self._changed:
                self._n_free += n_bytes
                self._changed.notify_all()


memory = Memory(max(PICTURE_BYTES, CORE_BYTES * available_cores()))  # of this process


class TimedFile:
    """A file that raises PictureError when the thread has used too much time, or if its header is too large.

    Most decoders (JPEG, PNG, GIF, BMP) read a file in pieces, so that this stops them. libtiff, libwebp, libavif and
    libheif decode a picture in one call that can't be stopped; the limit of memory bounds their time.
    """

    def __init__(self, file: BinaryIO, max_seconds: float = MAX_SECONDS, opening_bytes: int = OPENING_BYTES) -> None:
        self.file = file
        self.n_read = 0  # bytes, before the pixels
        self._opening_bytes: int | None = opening_bytes
        self._ends = thread_time() + max_seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def read(self, n_bytes: int = -1) -> bytes:
        if thread_time() > self._ends:
            raise PictureError("takes too long to decode")
        if self._opening_bytes is None:
            return self.file.read(n_bytes)
        n_left = self._opening_bytes - self.n_read
        content = self.file.read(n_left + 1 if n_bytes < 0 else min(n_bytes, n_left + 1))
        self.n_read += len(content)
        if self.n_read > self._opening_bytes:
            raise PictureError(f"more than {self._opening_bytes // 1_000_000} MB would have to be read to open it")
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()

    def finish_opening(self) -> None:
        """Remove the limit of bytes before the pixels are read."""
        self._opening_bytes = None
