"""Leave out large tags of TIFF files."""

import io
import struct
from typing import Any

from indexer.errors import PictureError
from indexer.pictures.edited_file import EditedFile, replace_bytes
from indexer.pictures.limits import MAX_METADATA_BYTES, MAX_TAG_BYTES

__all__ = ["is_tiff", "trim_tags"]

HEADERS = (b"II*\0", b"MM\0*", b"II\0*", b"MM*\0", b"II+\0", b"MM\0+")  # the headers that Pillow accepts
UNIT_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 11: 4, 13: 4}  # by type; other types: 8
TABLES = (273, 279, 324, 325)  # the positions and sizes of strips and tiles
POINTERS = (34665, 34853, 40965)  # to the directories of EXIF, GPS and interoperability
NUMBERS = {3: "H", 4: "I", 13: "I", 16: "Q"}  # by type
MAX_PARTS = 250_000  # strips or tiles; Pillow needs a few hundred bytes and 7 µs for each
MAX_TAGS = 65_535
NOT_READ = b"\0\0"  # a type that readers skip


def is_tiff(header: bytes) -> bool:
    """True if the first bytes of a file are those of a TIFF."""
    return header.startswith(HEADERS)


def trim_tags(file: Any) -> Any:
    """The file, or a view of it in which too large tags, including those of EXIF, have a type that readers skip.

    Raises PictureError if there are too many tags, strips or tiles.
    """
    file.seek(0)
    header = file.read(16).ljust(16, b"\0")
    order = "<" if header.startswith(b"II") else ">"
    is_big = header[2] == 43  # as Pillow decides
    entry = struct.Struct(order + ("HHQ8s" if is_big else "HHI4s"))
    (start,) = struct.unpack_from(order + ("Q" if is_big else "I"), header, 8 if is_big else 4)
    edits: dict[int, bytes] = {}
    first = _read_directory(file, start, order, is_big)
    spans = [(first[0], first[0] + len(first[1]))]
    directories, n_bytes = [first], 0
    while directories:
        place, content = directories.pop()
        is_first, is_changed = place == first[0], False
        for at in range(0, len(content), entry.size):
            tag, kind, count, value = entry.unpack_from(content, at)
            size = count * UNIT_BYTES.get(kind, 8)
            if is_first and tag in TABLES:
                if count > MAX_PARTS:
                    raise PictureError(f"{count} strips or tiles are over the limit of {MAX_PARTS}")
                continue
            is_kept = size <= MAX_TAG_BYTES and n_bytes + size <= MAX_METADATA_BYTES
            if tag in POINTERS and is_kept:
                is_kept = kind in NUMBERS and count == 1 and size <= len(value)
                if is_kept:
                    (start,) = struct.unpack_from(order + NUMBERS[kind], value)
                    found = _read_directory(file, start, order, is_big)
                    span = found[0], found[0] + len(found[1])
                    is_kept = all(span[1] <= begin or end <= span[0] for begin, end in spans)
                    if is_kept:
                        spans.append(span)
                        directories.append(found)
            if is_kept:
                n_bytes += size
            else:
                content[at + 2 : at + 4], is_changed = NOT_READ, True
        if is_changed:
            edits[place] = bytes(content)
    return EditedFile(file, replace_bytes(edits, 0, file.seek(0, io.SEEK_END))) if edits else file


def _read_directory(file: Any, start: int, order: str, is_big: bool) -> tuple[int, bytearray]:
    """The position of the first entry of a directory, and the entries."""
    n_bytes, entry_bytes = (8, 20) if is_big else (2, 12)
    if start >= 1 << 63:
        raise PictureError("damaged (a directory of tags is outside the file)")
    file.seek(start)
    n_tags = int.from_bytes(file.read(n_bytes), "little" if order == "<" else "big")
    if n_tags > MAX_TAGS:
        raise PictureError(f"{n_tags} tags are over the limit of {MAX_TAGS}")
    content = bytearray(file.read(n_tags * entry_bytes))
    return start + n_bytes, content[: len(content) // entry_bytes * entry_bytes]
