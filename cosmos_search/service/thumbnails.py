"""Cache of thumbnails on disk; the least recently used ones are deleted when it is full."""

import io
import os
from pathlib import Path
from threading import Lock

from cosmos_search.service.originals import is_available, read_upright
from indexer.errors import PictureError
from indexer.files import replace_file
from indexer.store.records import PictureRecord

__all__ = ["Thumbnails"]

QUALITY = 82
FILL_AFTER_EVICTION = 0.9  # of the limit, so that not every new thumbnail needs an eviction


class Thumbnails:
    """A folder of thumbnails named by fingerprint and size. Thread-safe."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._used_bytes: int | None = None  # None: not measured yet
        self._guard = Lock()

    def get(self, picture: PictureRecord, side: int = 320) -> bytes | None:
        """A JPEG of the picture, its longer side at most `side` pixels; None if the file is missing or unreadable."""
        if not any(map(is_available, picture.paths)):
            return None
        path = self.folder / f"{picture.fingerprint}-{side}.jpg"
        if (data := _read_thumbnail(path)) is None and (data := _render_thumbnail(picture, side)) is not None:
            self._store(path, data)
        return data

    def _store(self, path: Path, data: bytes) -> None:
        """Write a thumbnail to disk. Errors are ignored: the thumbnail is made again at the next request."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            replace_file(path, lambda file: file.write(data), sync=False, permissions=0o600)
            self._count_and_evict(len(data))
        except OSError:
            return

    def _count_and_evict(self, new_bytes: int) -> None:
        with self._guard:
            if self._used_bytes is not None:
                self._used_bytes += new_bytes
            if self._used_bytes is None or self._used_bytes > self.limit_bytes:
                self._used_bytes = self._evict_oldest()

    def _evict_oldest(self) -> int:
        """Delete the least recently used files; returns the bytes in use.

        Lists the folder each time, because another process may use it too.
        """
        found = []
        for path in self.folder.iterdir():
            try:
                facts = path.stat()
            except FileNotFoundError:  # deleted by another process
                continue
            found.append((facts.st_mtime_ns, facts.st_size, path))
        used = sum(size for _, size, _ in found)
        if used <= self.limit_bytes:
            return used
        for _, size, path in sorted(found):
            if used <= FILL_AFTER_EVICTION * self.limit_bytes:
                break
            path.unlink(missing_ok=True)
            used -= size
        return used


def _read_thumbnail(path: Path) -> bytes | None:
    """Content of a stored file, or None if it is missing or empty; updates its modification time for the eviction."""
    try:
        data = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    return data or None


def _render_thumbnail(picture: PictureRecord, side: int) -> bytes | None:
    try:
        image = read_upright(picture, side)
    except PictureError:
        return None
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
