"""Shorten large metadata of AVIF and HEIF files (ISO/IEC 14496-12, 23008-12)."""

import io
import struct
from collections.abc import Iterator
from typing import Any

from indexer.errors import PictureError
from indexer.pictures.edited_file import EditedFile, replace_bytes
from indexer.pictures.limits import MAX_EXIF_BYTES, MAX_METADATA_BYTES, MAX_TAG_BYTES

__all__ = ["trim_items"]

MAX_BOX_BYTES = 16_000_000  # for a box with profiles, properties and tables
MAX_BYTES = {b"Exif": MAX_EXIF_BYTES, b"mime": MAX_TAG_BYTES, b"uri ": MAX_TAG_BYTES}  # by kind of item
KEPT_BYTES = 4  # of a too large item; its kind is changed as well, because this is not valid EXIF
SKIPPED = b"skip"
Kind = tuple[bytes, int]  # an item's kind, and the position of the kind
Item = tuple[int, list[tuple[int, int, int]]]  # number; for each piece: length, position and size of that field


def trim_items(file: Any) -> Any:
    """The file, or a view of it in which too large EXIF and text items have a few bytes.

    Raises PictureError if the boxes that describe the picture are too large.
    """
    file_end = file.seek(0, io.SEEK_END)
    edits: dict[int, bytes] = {}
    n_bytes = 0
    for start, content in _read_metadata_boxes(file, 0, file_end):
        kinds, items = _read_items(content)
        for number, pieces in items:
            kind, kind_place = kinds.get(number, (b"", 0))
            if (limit := MAX_BYTES.get(kind)) is None:
                continue
            size = sum(length or file_end for length, _, _ in pieces)
            n_bytes += size
            if size <= limit and n_bytes <= MAX_METADATA_BYTES:
                continue
            edits[start + kind_place] = SKIPPED
            for _, place, field_bytes in pieces:
                if field_bytes == 0:  # up to the end of the file
                    raise PictureError(f"its metadata takes {size / 1e6:.0f} MB")
                edits[start + place] = KEPT_BYTES.to_bytes(field_bytes, "big")
    return EditedFile(file, replace_bytes(edits, 0, file_end)) if edits else file


def _read_metadata_boxes(file: Any, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The position and the content of each `meta` box, of the file and of its tracks."""
    for kind, start, stop in _read_boxes(file, begin, end):
        if kind in (b"meta", b"moov") and stop - start > MAX_BOX_BYTES:
            raise PictureError(f"the description of the picture takes {(stop - start) / 1e6:.0f} MB")
        if kind == b"meta":
            file.seek(start)
            yield start, file.read(stop - start)
        elif kind in (b"moov", b"trak"):
            yield from _read_metadata_boxes(file, start, stop)


def _read_boxes(file: Any, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each box, and the positions of its content and of its end."""
    while begin + 8 <= end:
        file.seek(begin)
        size, kind = struct.unpack(">I4s", file.read(8))
        start = begin + 8
        if size == 1:
            size, start = int.from_bytes(file.read(8), "big"), begin + 16
        stop = min(begin + size, end) if size else end
        if stop < start:
            return
        yield kind, start, stop
        begin = stop


def _read_items(meta: bytes) -> tuple[dict[int, Kind], list[Item]]:
    """The kinds of the items by number, and the fields with their lengths. Reading stops at damaged content."""
    kinds: dict[int, Kind] = {}
    items: list[Item] = []
    boxes = io.BytesIO(meta)
    try:
        for kind, start, stop in list(_read_boxes(boxes, 4, len(meta))):
            if kind == b"iloc":
                items += _read_locations(meta[:stop], start)
            elif kind == b"iinf":
                version = meta[start]
                for entry, at, end in _read_boxes(boxes, start + (6 if version == 0 else 8), stop):
                    if entry == b"infe" and meta[at] in (2, 3):
                        n_bytes = 2 * (meta[at] - 1)
                        number = int.from_bytes(meta[at + 4 : at + 4 + n_bytes], "big")
                        place = at + 6 + n_bytes
                        kinds[number] = meta[place : min(place + 4, end)], place
    except (IndexError, struct.error):
        pass
    return kinds, items


def _read_locations(meta: bytes, start: int) -> Iterator[Item]:
    """The items in a box `iloc`."""
    version = meta[start]
    sizes = int.from_bytes(meta[start + 4 : start + 6], "big")
    offset_bytes, length_bytes, base_bytes, index_bytes = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    index_bytes = index_bytes if version in (1, 2) else 0
    number_bytes = 4 if version == 2 else 2
    place = start + 6 + number_bytes
    for _ in range(int.from_bytes(meta[start + 6 : place], "big")):
        number = int.from_bytes(meta[place : place + number_bytes], "big")
        place += number_bytes + (2 if version in (1, 2) else 0) + 2 + base_bytes
        n_pieces = int.from_bytes(meta[place : place + 2], "big")
        place += 2
        pieces = []
        for _ in range(n_pieces):
            place += index_bytes + offset_bytes
            pieces.append((int.from_bytes(meta[place : place + length_bytes], "big"), place, length_bytes))
            place += length_bytes
        if place > len(meta):
            return
        yield number, pieces
