"""Small upright pictures, made once and kept on disk; those not looked at for longest make room for new ones."""

import io
import os
import tempfile
from pathlib import Path
from threading import Lock

from indexer.errors import PictureError
from indexer.store.records import PictureRecord
from ui.files.originals import is_available, read_upright

__all__ = ["Thumbnails"]

QUALITY = 82
ROOM_MADE = 0.9  # what is left of the limit after making room, so that not every new one has to


class Thumbnails:
    """A folder of thumbnails, named by their picture's content and their size. Safe from several threads."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._used_bytes: int | None = None  # None: not counted yet
        self._guard = Lock()

    def get(self, picture: PictureRecord, side: int = 320) -> bytes | None:
        """A JPEG of what was indexed, its longer side at most `side` pixels; None if no file is there any more."""
        if not any(map(is_available, picture.paths)):
            return None
        kept = self.folder / f"{picture.fingerprint}-{side}.jpg"
        if (data := _read_cached(kept)) is None and (data := _render_thumbnail(picture, side)) is not None:
            self._keep(kept, data)
        return data

    def _keep(self, kept: Path, data: bytes) -> None:
        """A full or read-only disk costs time only: the thumbnail is made again when it is wanted again."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write_whole(kept, data)
            self._make_room(len(data))
        except OSError:
            return

    def _make_room(self, new_bytes: int) -> None:
        with self._guard:
            if self._used_bytes is not None:
                self._used_bytes += new_bytes
            if self._used_bytes is None or self._used_bytes > self.limit_bytes:
                self._used_bytes = self._drop_oldest()

    def _drop_oldest(self) -> int:
        """What is used afterwards. The folder is read anew, since another process may use it too."""
        found = []
        for path in self.folder.iterdir():
            try:
                facts = path.stat()
            except FileNotFoundError:  # dropped by the other process
                continue
            found.append((facts.st_mtime_ns, facts.st_size, path))
        used = sum(size for _, size, _ in found)
        if used <= self.limit_bytes:
            return used
        for _, size, path in sorted(found):
            if used <= ROOM_MADE * self.limit_bytes:
                break
            path.unlink(missing_ok=True)
            used -= size
        return used


def _read_cached(kept: Path) -> bytes | None:
    """What was kept, if it was; its file's time says when it was used last."""
    try:
        data = kept.read_bytes()
        os.utime(kept)
    except OSError:
        return None
    return data


def _render_thumbnail(picture: PictureRecord, side: int) -> bytes | None:
    try:
        image = read_upright(picture, side)
    except PictureError:
        return None
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _write_whole(kept: Path, data: bytes) -> None:
    """Written beside and renamed, so that nobody ever reads half a thumbnail."""
    handle, draft = tempfile.mkstemp(dir=kept.parent, prefix=".")
    try:
        with open(handle, "wb") as file:
            file.write(data)
        Path(draft).replace(kept)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise
