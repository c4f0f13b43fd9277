"""What decoding a JPEG takes, found out before it is decoded."""

import re
from collections.abc import Iterator
from typing import Any

from PIL import JpegImagePlugin

from indexer.errors import PictureError

__all__ = ["coefficient_bytes"]

MAX_SCANNED_PIXELS = 2_000_000_000  # pixels times scans: two to ten seconds; a usual progressive JPEG has ten scans
MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")  # not a stuffed byte, a restart or padding
PIECE_BYTES = 4096
START, END, SCAN = 0xD8, 0xD9, 0xDA


def coefficient_bytes(image: JpegImagePlugin.JpegImageFile, file: Any) -> int:
    """What libjpeg keeps of a picture in several scans until it has read the last: two bytes a coefficient.

    Raises PictureError if the scans are so many that they would take too long: each goes over all the pixels.
    """
    n_pixels = image.width * image.height
    scans = _components_of_scans(file)
    if not image.info.get("progressive") and next(scans, 0) == image.layers:
        return 0  # libjpeg reads no further than this scan
    for n_scans, _ in enumerate(scans, start=1):
        if n_scans * n_pixels > MAX_SCANNED_PIXELS:
            raise PictureError(f"takes too long to decode ({n_scans} scans or more)")
    sampled = [across * down for _, across, down, _ in image.layer]
    largest = max(across for _, across, _, _ in image.layer) * max(down for _, _, down, _ in image.layer)
    return 2 * n_pixels * sum(sampled) // max(1, largest)


def _components_of_scans(file: Any) -> Iterator[int]:
    """How many components each scan has, up to the end of the first picture in the file."""
    file.seek(0)
    while (marker := _next_marker(file)) not in (None, END):
        if marker in (0x01, START):
            continue
        begin = file.tell()
        segment = file.read(3)
        if len(segment) < 3:
            return
        if marker == SCAN:
            yield segment[2]
        file.seek(begin + max(2, int.from_bytes(segment[:2], "big")))


def _next_marker(file: Any) -> int | None:
    """The next marker's code; the file is left behind it."""
    while True:
        begin = file.tell()
        piece = file.read(PIECE_BYTES)
        if found := MARKER.search(piece):
            file.seek(begin + found.end())
            return found[1][0]
        if len(piece) < PIECE_BYTES:
            return None
        if piece.endswith(b"\xff"):
            file.seek(-1, 1)
