"""Decode TIFF files that are too large to decode at once: some strips or rows of tiles at a time."""

import io
import struct
from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import Any

from PIL import Image, TiffImagePlugin

from indexer.pictures.colour import BAND_PIXELS
from indexer.pictures.edited_file import EditedFile

__all__ = ["decode_bands", "estimate_part_bytes", "must_decode_bands", "read_stored_size"]

WIDTH, LENGTH, BITS, COMPRESSION, SAMPLES, ROWS, PLANAR = 256, 257, 258, 259, 277, 278, 284
STRIPS, STRIP_BYTES, TILE_WIDTH, TILE_LENGTH, TILES, TILE_BYTES = 273, 279, 322, 323, 324, 325
JPEG_TABLES, PHOTOMETRIC, YCBCR = 347, 262, 6
KEPT = (  # tags that describe how pixels are stored
    *(BITS, COMPRESSION, PHOTOMETRIC, 266, SAMPLES, PLANAR, 292, 293, 317, 320, TILE_WIDTH, TILE_LENGTH, 332),
    *(338, 339, JPEG_TABLES, 529, 530, 531, 532),
)


def must_decode_bands(image: Image.Image) -> bool:
    """True if libtiff must not read the file itself, because some of its tags are too large."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile) or not isinstance(image.fp, EditedFile):
        return False
    return bool(image.tag_v2.get(COMPRESSION, 1) != 1)


def read_stored_size(image: TiffImagePlugin.TiffImageFile) -> tuple[int, int]:
    """Width and height in pixels as stored, before the picture is turned upright."""
    return image.tag_v2[WIDTH], image.tag_v2[LENGTH]


def estimate_part_bytes(image: TiffImagePlugin.TiffImageFile) -> int:
    """The memory for decoding a strip or a row of tiles: its decoded bytes, and twice its stored bytes."""
    tags = image.tag_v2
    if tags.get(COMPRESSION, 1) == 1:
        return 0
    width, height = read_stored_size(image)
    is_tiled = TILES in tags
    n_rows = _read_numbers(tags, TILE_LENGTH)[0] if is_tiled else min(height, _read_numbers(tags, ROWS, [height])[0])
    n_parts = (ceil(width / _read_numbers(tags, TILE_WIDTH)[0]) if is_tiled else 1) * tags.get(SAMPLES, 1)
    n_bits: int = max(_read_numbers(tags, BITS, [1])) * tags.get(SAMPLES, 1)
    rgba_bytes = n_bits / 8 + 4 if tags.get(PHOTOMETRIC) == YCBCR else 0  # libtiff converts YCbCr to RGBA first
    pixel_bytes = n_bits / 8 + rgba_bytes
    stored: int = max(_read_numbers(tags, TILE_BYTES if is_tiled else STRIP_BYTES))
    n_bytes: int = int(width * n_rows * pixel_bytes) + 2 * n_parts * stored
    return n_bytes


def decode_bands(image: TiffImagePlugin.TiffImageFile) -> Iterator[Image.Image]:
    """The bands of a TIFF that is opened but not loaded, as they are stored, not turned upright.

    Each is written as a TIFF in memory with the stored bytes of its strips or tiles, and decoded by Pillow.
    """
    tags = image.tag_v2
    width, height = read_stored_size(image)
    is_tiled = TILES in tags
    offsets, sizes = (_read_numbers(tags, tag) for tag in ((TILES, TILE_BYTES) if is_tiled else (STRIPS, STRIP_BYTES)))
    n_rows = _read_numbers(tags, TILE_LENGTH)[0] if is_tiled else min(height, _read_numbers(tags, ROWS, [height])[0])
    n_across = ceil(width / _read_numbers(tags, TILE_WIDTH)[0]) if is_tiled else 1
    n_down = ceil(height / n_rows)
    n_planes = tags.get(SAMPLES, 1) if tags.get(PLANAR, 1) == 2 else 1
    if n_down == 1 and not is_tiled and tags.get(COMPRESSION, 1) == 1:  # one uncompressed strip can be cut at any row
        row_bytes = (width * _read_numbers(tags, BITS, [1])[0] * (tags.get(SAMPLES, 1) // n_planes) + 7) // 8
        n_rows = max(1, BAND_PIXELS // width)
        n_down = ceil(height / n_rows)
        offsets = [begin + row_bytes * top for begin in offsets for top in range(0, height, n_rows)]
        sizes = [row_bytes * min(n_rows, height - top) for top in range(0, height, n_rows)] * n_planes
    if len(offsets) < n_planes * n_down * n_across or len(sizes) < len(offsets):
        raise OSError("image file is truncated")
    at_once = max(1, BAND_PIXELS // (width * n_rows))
    for top in range(0, n_down, at_once):
        parts = range(top * n_across, min(top + at_once, n_down) * n_across)
        chosen = [plane * n_down * n_across + part for plane in range(n_planes) for part in parts]
        n_band_rows = min(at_once * n_rows, height - top * n_rows)
        assert image.fp is not None
        stored = [_read_bytes(image.fp, offsets[i], sizes[i]) for i in chosen]
        yield _decode(tags, stored, {WIDTH: width, LENGTH: n_band_rows} | ({} if is_tiled else {ROWS: n_rows}))


def _read_numbers(tags: Any, tag: int, default: Any = None) -> Any:
    """The numbers of a tag, always as a sequence. Raises KeyError."""
    value = tags.get(tag, default)
    if value is None:
        raise KeyError(tag)
    return value if isinstance(value, (tuple, list)) else (value,)


def _read_bytes(file: Any, offset: int, n_bytes: int) -> bytes:
    file.seek(offset)
    content: bytes = file.read(n_bytes)
    return content


def _decode(tags: Any, parts: list[bytes], changed: dict[int, int]) -> Image.Image:
    """Decode a TIFF with these tags, some of them changed, and these strips or tiles."""
    mark = ">" if tags.prefix == b"MM" else "<"
    offsets, place = [], 8
    for part in parts:
        offsets.append(place)
        place += len(part)
    at, size = (TILES, TILE_BYTES) if TILES in tags else (STRIPS, STRIP_BYTES)
    values = {tag: tags[tag] for tag in KEPT if tag in tags} | changed
    values |= {at: tuple(offsets), size: tuple(map(len, parts))}
    place += place % 2
    entries, beyond = b"", b""
    after = place + 2 + 12 * len(values) + 4
    for tag, value in sorted(values.items()):
        kind, count, content = _pack(mark, value)
        if len(content) > 4:
            content, beyond = (
                struct.pack(mark + "I", after + len(beyond)),
                beyond + content + b"\0" * (len(content) % 2),
            )
        entries += struct.pack(mark + "HHI", tag, kind, count) + content.ljust(4, b"\0")
    directory = struct.pack(mark + "H", len(values)) + entries + b"\0" * 4 + beyond
    header = tags.prefix + struct.pack(mark + "HI", 42, place)
    pixels = b"".join(parts)
    content = b"".join((header, pixels, b"\0" * (len(pixels) % 2), directory))
    image = Image.open(io.BytesIO(content), formats=["TIFF"])
    image.load()
    return image


def _pack(mark: str, value: Any) -> tuple[int, int, bytes]:
    """The type, count and bytes of a tag. Types: 7 for bytes, 3 or 4 for integers, 5 for fractions."""
    if isinstance(value, bytes):
        return 7, len(value), value
    numbers = value if isinstance(value, (tuple, list)) else (value,)
    if not all(isinstance(number, int) for number in numbers):
        pairs = [Fraction(float(number)).limit_denominator(1 << 16) for number in numbers]
        return 5, len(pairs), b"".join(struct.pack(mark + "II", p.numerator, p.denominator) for p in pairs)
    kind, letter = (3, "H") if max(numbers) < 1 << 16 else (4, "I")
    return kind, len(numbers), struct.pack(f"{mark}{len(numbers)}{letter}", *numbers)
