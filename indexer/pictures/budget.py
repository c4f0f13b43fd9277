"""What one picture may take of memory and time, and all pictures together."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock
from time import thread_time
from typing import Any, BinaryIO

from indexer.cores import available_cores
from indexer.errors import PictureError

__all__ = ["PICTURE_BYTES", "Memory", "TimedFile", "memory"]

PICTURE_BYTES = 540_000_000  # that decoding one picture may take, its result included
SMALL_BYTES = 64_000_000  # a picture that takes less is not counted
CORE_BYTES = 150_000_000  # that pictures may take together, for each core
OPENING_BYTES = 256_000_000  # that are read of a file before its pixels
MAX_SECONDS = 30.0  # of CPU


class Memory:
    """Bytes that the pictures being decoded share; whoever needs more than is left waits. From any thread."""

    def __init__(self, n_bytes: int) -> None:
        self._n_free = n_bytes
        self._turn = Lock()  # of the one who is next, so that a large picture is not passed over for ever
        self._changed = Condition()

    @contextmanager
    def reserve(self, n_bytes: int) -> Iterator[None]:
        """To be entered once per picture: two reservations of one thread could wait for each other."""
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


memory = Memory(max(PICTURE_BYTES, CORE_BYTES * available_cores()))  # the process's


class TimedFile:
    """A file that stops being read when the thread has spent too long, or before too much is read for its header.

    Most decoders (of JPEG, PNG, GIF, BMP) read as they go, so this ends them. libtiff, libwebp, libavif and libheif
    take a picture in one call that nothing can end; their time is bounded by the pixels that the memory allows.
    """

    def __init__(self, file: BinaryIO, max_seconds: float = MAX_SECONDS, opening_bytes: int = OPENING_BYTES) -> None:
        self.file = file
        self.n_read = 0  # while opening
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

    def is_open(self) -> None:
        """The pixels come next; they are read piece by piece."""
        self._opening_bytes = None
