"""Read the size of a GIF or WebP before Pillow opens it, because Pillow allocates the canvas when it opens the file."""

import io
from dataclasses import dataclass
from typing import Any

from indexer.errors import PictureError

__all__ = ["Canvas", "read_canvas"]

GIF_BYTES, WEBP_BYTES = 2, 12  # per pixel
MAX_GIF_HEADER_BYTES = 2_000_000  # before the first frame


@dataclass(frozen=True, slots=True)
class Canvas:
    """The size in pixels, and the memory that opening the file takes."""

    size: tuple[int, int]
    opening_bytes: int


def read_canvas(file: Any) -> Canvas | None:
    """The canvas of a GIF or WebP; None for other formats, and for headers that Pillow does not read."""
    file.seek(0)
    header = file.read(32)
    if header.startswith((b"GIF87a", b"GIF89a")) and len(header) >= 13:
        return _make_canvas(_read_gif_size(file, header), GIF_BYTES)
    if header.startswith(b"RIFF") and header[8:12] == b"WEBP" and len(header) >= 30:
        return _make_canvas(_read_webp_size(header), WEBP_BYTES, file.seek(0, io.SEEK_END))
    return None


def _make_canvas(size: tuple[int, int] | None, pixel_bytes: int, file_bytes: int = 0) -> Canvas | None:
    return None if size is None else Canvas(size, size[0] * size[1] * pixel_bytes + file_bytes)


def _read_webp_size(header: bytes) -> tuple[int, int] | None:
    """See the WebP container specification, "Simple File Format" and "Extended File Format"."""
    kind = header[12:16]
    if kind == b"VP8X":
        return _to_int(header[24:27]) + 1, _to_int(header[27:30]) + 1
    if kind == b"VP8L":
        bits = _to_int(header[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return _to_int(header[26:28]) & 0x3FFF, _to_int(header[28:30]) & 0x3FFF
    return None


def _read_gif_size(file: Any, header: bytes) -> tuple[int, int] | None:
    """The logical screen, extended to contain the first frame; see GIF89a, sections 18 to 20."""
    flags = header[10]
    file.seek(13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0))
    while (kind := file.read(1)) not in (b"", b";"):
        if file.tell() > MAX_GIF_HEADER_BYTES:
            raise PictureError(f"more than {MAX_GIF_HEADER_BYTES // 1_000_000} MB would have to be read to open it")
        if kind == b",":
            left, top, width, height = (_to_int(file.read(2)) for _ in range(4))
            screen = _to_int(header[6:8]), _to_int(header[8:10])
            return max(screen[0], left + width), max(screen[1], top + height)
        if kind == b"!":
            file.read(1)
            while (n_bytes := file.read(1)) not in (b"", b"\0") and file.tell() <= MAX_GIF_HEADER_BYTES:
                file.seek(n_bytes[0], 1)
    return None


def _to_int(content: bytes) -> int:
    return int.from_bytes(content, "little")
