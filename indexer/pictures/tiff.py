"""TIFF files too large to be decoded at once: some strips or rows of tiles at a time."""

import io
import struct
from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import Any

from PIL import Image, TiffImagePlugin

from indexer.pictures.colour import BAND_PIXELS
from indexer.pictures.edited_file import EditedFile

__all__ = ["bands", "must_be_cut", "part_bytes", "stored_size"]

WIDTH, LENGTH, BITS, COMPRESSION, SAMPLES, ROWS, PLANAR = 256, 257, 258, 259, 277, 278, 284
STRIPS, STRIP_BYTES, TILE_WIDTH, TILE_LENGTH, TILES, TILE_BYTES = 273, 279, 322, 323, 324, 325
JPEG_TABLES, PHOTOMETRIC, YCBCR = 347, 262, 6
KEPT = (  # what says how pixels are stored
    *(BITS, COMPRESSION, PHOTOMETRIC, 266, SAMPLES, PLANAR, 292, 293, 317, 320, TILE_WIDTH, TILE_LENGTH, 332),
    *(338, 339, JPEG_TABLES, 529, 530, 531, 532),
)


def must_be_cut(image: Image.Image) -> bool:
    """Whether libtiff, which reads the file itself, must not see its tags: some are too large."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile) or not isinstance(image.fp, EditedFile):
        return False
    return bool(image.tag_v2.get(COMPRESSION, 1) != 1)


def stored_size(image: TiffImagePlugin.TiffImageFile) -> tuple[int, int]:
    """Width and height before it is turned upright."""
    return image.tag_v2[WIDTH], image.tag_v2[LENGTH]


def part_bytes(image: TiffImagePlugin.TiffImageFile) -> int:
    """What a strip or a row of tiles takes beside the picture: as it is stored, twice, and decoded."""
    tags = image.tag_v2
    if tags.get(COMPRESSION, 1) == 1:
        return 0
    width, height = stored_size(image)
    is_tiled = TILES in tags
    n_rows = _numbers(tags, TILE_LENGTH)[0] if is_tiled else min(height, _numbers(tags, ROWS, [height])[0])
    n_parts = (ceil(width / _numbers(tags, TILE_WIDTH)[0]) if is_tiled else 1) * tags.get(SAMPLES, 1)
    n_bits: int = max(_numbers(tags, BITS, [1])) * tags.get(SAMPLES, 1)
    of_pixel = n_bits / 8 + (n_bits / 8 + 4 if tags.get(PHOTOMETRIC) == YCBCR else 0)  # which libtiff makes RGBA first
    stored: int = max(_numbers(tags, TILE_BYTES if is_tiled else STRIP_BYTES))
    n_bytes: int = int(width * n_rows * of_pixel) + 2 * n_parts * stored
    return n_bytes


def bands(image: TiffImagePlugin.TiffImageFile) -> Iterator[Image.Image]:
    """The bands of a TIFF that was opened and not loaded, as they are stored, not turned.

    Each is written as a TIFF of its own with the stored bytes of its strips or tiles, which Pillow decodes.
    """
    tags = image.tag_v2
    width, height = stored_size(image)
    is_tiled = TILES in tags
    offsets, sizes = (_numbers(tags, tag) for tag in ((TILES, TILE_BYTES) if is_tiled else (STRIPS, STRIP_BYTES)))
    n_rows = _numbers(tags, TILE_LENGTH)[0] if is_tiled else min(height, _numbers(tags, ROWS, [height])[0])
    n_across = ceil(width / _numbers(tags, TILE_WIDTH)[0]) if is_tiled else 1
    n_down = ceil(height / n_rows)
    n_planes = tags.get(SAMPLES, 1) if tags.get(PLANAR, 1) == 2 else 1
    if n_down == 1 and not is_tiled and tags.get(COMPRESSION, 1) == 1:  # one long strip, which can be cut anywhere
        row_bytes = (width * _numbers(tags, BITS, [1])[0] * (tags.get(SAMPLES, 1) // n_planes) + 7) // 8
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
        stored = [_stored(image.fp, offsets[i], sizes[i]) for i in chosen]
        yield _decoded(tags, stored, {WIDTH: width, LENGTH: n_band_rows} | ({} if is_tiled else {ROWS: n_rows}))


def _numbers(tags: Any, tag: int, default: Any = None) -> Any:
    """A tag's numbers, always as a sequence."""
    value = tags.get(tag, default)
    if value is None:
        raise KeyError(tag)
    return value if isinstance(value, (tuple, list)) else (value,)


def _stored(file: Any, offset: int, n_bytes: int) -> bytes:
    file.seek(offset)
    content: bytes = file.read(n_bytes)
    return content


def _decoded(tags: Any, parts: list[bytes], changed: dict[int, int]) -> Image.Image:
    """A TIFF with these tags and these strips or tiles."""
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
        kind, count, content = _packed(mark, value)
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


def _packed(mark: str, value: Any) -> tuple[int, int, bytes]:
    """A tag's type, count and bytes: 7 for bytes, 3 or 4 for whole numbers, 5 for fractions."""
    if isinstance(value, bytes):
        return 7, len(value), value
    numbers = value if isinstance(value, (tuple, list)) else (value,)
    if not all(isinstance(number, int) for number in numbers):
        pairs = [Fraction(float(number)).limit_denominator(1 << 16) for number in numbers]
        return 5, len(pairs), b"".join(struct.pack(mark + "II", p.numerator, p.denominator) for p in pairs)
    kind, letter = (3, "H") if max(numbers) < 1 << 16 else (4, "I")
    return kind, len(numbers), struct.pack(f"{mark}{len(numbers)}{letter}", *numbers)
