"""Leave out metadata that is too large before Pillow opens a file.

Pillow copies metadata and converts numbers to Python objects when it opens a file, without a limit. Metadata that is
not needed to decode the picture is left out. If the necessary part is too large, the file is refused.
"""

import io
from collections.abc import Iterator
from typing import Any

from indexer.pictures.edited_file import EditedFile, Part
from indexer.pictures.isobmff import trim_items
from indexer.pictures.limits import MAX_METADATA_BYTES, MAX_TAG_BYTES
from indexer.pictures.png import make_readable
from indexer.pictures.tiff_tags import is_tiff, trim_tags

__all__ = ["trim_metadata"]

PIXELS_OF_WEBP = (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF")
MAX_ADOBE_BYTES = 100  # of the segment of a JPEG that describes how colours are stored
COMMENT, ADOBE, SCAN = 0xFE, 0xEE, 0xDA


def trim_metadata(file: Any) -> Any:
    """The file, or a view of it without large metadata. Raises PictureError if it can't be opened within the limits."""
    file.seek(0)
    header = file.read(16)
    if header.startswith(b"\xff\xd8"):
        return _trim_jpeg(file)
    if header.startswith(b"\x89PNG"):
        return make_readable(file)
    if header.startswith(b"RIFF") and header[8:12] == b"WEBP":
        return _trim_webp(file)
    if header[4:8] == b"ftyp":
        return trim_items(file)
    return trim_tags(file) if is_tiff(header) else file


def _trim_jpeg(file: Any) -> Any:
    """Leave out application segments and comments beyond the limit."""
    kept: list[Part] = []
    begin, n_bytes = 0, 0
    for marker, start, end in _read_segments(file):
        is_adobe = marker == ADOBE and end - start < MAX_ADOBE_BYTES
        if marker == COMMENT or (0xE0 <= marker <= 0xEF and not is_adobe):
            n_bytes += end - start
            if n_bytes > MAX_METADATA_BYTES:
                kept.append((begin, start))
                begin = end
    return EditedFile(file, [*kept, (begin, file.seek(0, io.SEEK_END))]) if kept else file


def _read_segments(file: Any) -> Iterator[tuple[int, int, int]]:
    """The marker, start and end of each segment before the first scan."""
    place = 2
    while True:
        file.seek(place)
        head = file.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] == SCAN:
            return
        if head[1] in (0x00, 0xFF):  # padding
            place += 1
            continue
        end = place + 2 + max(2, int.from_bytes(head[2:], "big"))
        yield head[1], place, end
        place = end


def _trim_webp(file: Any) -> Any:
    """Leave out too large profiles, EXIF, XMP and unknown chunks, and everything behind the picture."""
    file_end = file.seek(0, io.SEEK_END)
    file.seek(4)
    end = min(file_end, 8 + int.from_bytes(file.read(4), "little"))
    kept: list[Part] = []
    place, begin, n_bytes = 12, 12, 0
    while place + 8 <= end:
        file.seek(place)
        kind, size = file.read(4), int.from_bytes(file.read(4), "little")
        after = place + 8 + size + size % 2
        if kind not in PIXELS_OF_WEBP:
            n_bytes += size
            if size > MAX_TAG_BYTES or n_bytes > MAX_METADATA_BYTES:
                kept.append((begin, place))
                begin = min(after, end)
        place = after
    if not kept and file_end - end <= MAX_TAG_BYTES:
        return file
    kept.append((begin, end))
    n_kept = sum(part[1] - part[0] for part in kept if not isinstance(part, bytes))
    return EditedFile(file, [b"RIFF" + (4 + n_kept).to_bytes(4, "little") + b"WEBP", *kept])
