"""Read PNG files that Pillow can't: those with large texts and profiles, and those too large to decode at once."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from indexer.pictures.edited_file import EditedFile, Part
from indexer.pictures.limits import MAX_METADATA_BYTES

__all__ = ["can_decode_bands", "decode_bands", "make_readable"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
LATE = (b"tEXt", b"zTXt", b"iTXt", b"eXIf")  # may follow the pixels
FRAMES = (b"acTL", b"fcTL", b"fdAT")
MAX_CHUNK_BYTES = 1_000_000  # uncompressed, for an ancillary chunk; Pillow refuses files with larger ones
BAND_BYTES = 1 << 20
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by PNG's colour type
PLAIN_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # the colour type of 8-bit pixels, by the number of channels
PIECE_BYTES = 1 << 16

Rows = NDArray[np.uint8]  # (rows, bytes)


def make_readable(file: Any) -> Any:
    """The file, or a view of it that Pillow can open within the limits.

    Too large texts, profiles and other ancillary chunks are left out. Texts and EXIF that follow the pixels are moved
    before them, so that they can be read without decoding the pixels.
    """
    file.seek(0)
    if file.read(len(SIGNATURE)) != SIGNATURE:
        return file
    parts: list[Part] = []
    late: list[Part] = []
    begin, n_bytes, n_before = 0, 0, 0  # n_before: number of parts before the pixels
    for kind, start, length in _read_chunks(file):
        end = start + 12 + length
        if kind == b"IDAT" and not n_before:
            parts.append((begin, start))
            begin, n_before = start, len(parts)
        if kind[:1].isupper() or kind in FRAMES:
            continue
        is_small = length <= MAX_CHUNK_BYTES and n_bytes + length <= MAX_METADATA_BYTES
        size = _measure_text(file, kind, start + 8, length) if is_small and kind in TEXTS else length
        n_bytes += size
        is_small = is_small and size <= MAX_CHUNK_BYTES and n_bytes <= MAX_METADATA_BYTES
        if not is_small or (n_before and kind in LATE):
            parts.append((begin, start))
            begin = end
            late += [(start, end)] if is_small else []
    if len(parts) <= 1:
        return file
    parts.append((begin, file.seek(0, io.SEEK_END)))
    return EditedFile(file, [*parts[:n_before], *late, *parts[n_before:]])


def _read_chunks(file: Any) -> Iterator[tuple[bytes, int, int]]:
    """The kind, position and length of each chunk."""
    end = file.seek(0, io.SEEK_END)
    place, kind = len(SIGNATURE), b""
    while place + 12 <= end and kind != b"IEND":
        file.seek(place)
        length, kind = struct.unpack(">I4s", file.read(8))
        yield kind, place, length
        place += 12 + length


def _measure_text(file: Any, kind: bytes, start: int, length: int) -> int:
    """The uncompressed length of a text or profile, at most one byte above the limit."""
    if length > MAX_CHUNK_BYTES or kind == b"tEXt":
        return length
    file.seek(start)
    content = file.read(length)
    packed = content.find(b"\0") + 2
    if kind == b"iTXt":
        if content[packed - 1 : packed] != b"\1":
            return length
        packed = content.find(b"\0", content.find(b"\0", packed + 1) + 1) + 1
    try:
        return max(length, len(zlib.decompressobj().decompress(content[packed:], MAX_CHUNK_BYTES + 1)))
    except zlib.error:
        return length


def can_decode_bands(image: Image.Image) -> bool:
    """True if `decode_bands` can read the picture, which must not be interlaced."""
    if not isinstance(image, PngImagePlugin.PngImageFile) or image.info.get("interlace") or len(image.tile) != 1:
        return False
    return image.tile[0][1] == (0, 0, *image.size)


def decode_bands(image: Image.Image) -> Iterator[Image.Image]:
    """The bands of a PNG that is opened but not loaded.

    Each band is written as an 8-bit PNG in memory, from which Pillow removes the row filters. The filters combine bytes
    that are one pixel apart. So they treat rows of less than 8 bits as rows of bytes, and the high bytes of 16-bit
    colours can be decoded alone. The last row of the band before is prepended, because filters refer to it.
    """
    file: Any = image.fp  # type: ignore[attr-defined]
    file.seek(len(SIGNATURE) + 8)
    width, height, depth, colour_type = struct.unpack(">IIBB", file.read(10))
    n_channels = CHANNELS[colour_type]
    row_bytes = (width * n_channels * depth + 7) // 8
    has_low_bytes = depth == 16 and n_channels > 1
    n_lanes = 2 if depth == 16 and n_channels == 1 else n_channels
    above = np.empty((0, 0), np.uint8)
    for rows in _read_rows(file, height, 1 + row_bytes):
        if has_low_bytes:
            rows = np.concatenate([rows[:, :1], rows[:, 1::2]], axis=1)
        n_above = len(above)
        pixels = _unfilter(np.concatenate([above, rows]) if n_above else rows, n_lanes)
        above = np.frombuffer(b"\0" + pixels.crop((0, pixels.height - 1, *pixels.size)).tobytes(), np.uint8)[None]
        yield _restore_mode(image, pixels.crop((0, n_above, *pixels.size)), width)


def _read_rows(file: Any, height: int, row_bytes: int) -> Iterator[Rows]:
    """The rows, still filtered, each preceded by the number of its filter; in bands."""
    band_bytes = max(1, BAND_BYTES // row_bytes) * row_bytes
    n_left = height * row_bytes
    unpack, ready = zlib.decompressobj(), bytearray()
    for packed in _read_image_data(file):
        while packed and n_left:
            piece = unpack.decompress(packed, min(band_bytes, n_left))
            packed = unpack.unconsumed_tail
            n_left -= len(piece)
            ready += piece
            while len(ready) >= band_bytes or (ready and not n_left):
                yield np.frombuffer(bytes(ready[:band_bytes]), np.uint8).reshape(-1, row_bytes)
                del ready[:band_bytes]
    if n_left:
        raise OSError("image file is truncated")


def _read_image_data(file: Any) -> Iterator[bytes]:
    for kind, start, length in _read_chunks(file):
        if kind == b"IDAT":
            for begin in range(0, length, PIECE_BYTES):
                file.seek(start + 8 + begin)
                yield file.read(min(PIECE_BYTES, length - begin))


def _unfilter(rows: Rows, n_channels: int) -> Image.Image:
    """Remove the filters from rows of 8-bit pixels, with Pillow."""
    width, height = (rows.shape[1] - 1) // n_channels, len(rows)
    header = struct.pack(">IIBBBBB", width, height, 8, PLAIN_TYPES[n_channels], 0, 0, 0)
    content = SIGNATURE
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 0)), (b"IEND", b"")):
        content += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    image = Image.open(io.BytesIO(content), formats=["PNG"])
    image.load()
    return image


def _restore_mode(image: Image.Image, pixels: Image.Image, width: int) -> Image.Image:
    """Rows of bytes as an image with the mode, palette and transparency of the opened picture."""
    raw_mode = image.tile[0][3]  # type: ignore[attr-defined]
    if image.mode in ("1", "L", "P", "I;16"):
        pixels = Image.frombytes(image.mode, (width, pixels.height), pixels.tobytes(), "raw", raw_mode)
    if image.palette is not None:
        pixels.putpalette(image.palette.palette, image.palette.rawmode or "RGB")
    pixels.info = dict(image.info)
    return pixels
