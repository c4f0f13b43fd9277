"""Compute the memory and time that decoding a JPEG takes, before it is decoded."""

import re
from collections.abc import Iterator
from typing import Any

from PIL import JpegImagePlugin

from indexer.errors import PictureError

__all__ = ["estimate_coefficient_bytes"]

MAX_SCANNED_PIXELS = 2_000_000_000  # pixels × scans; takes two to ten seconds. A typical progressive JPEG has ten scans
MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")  # not a stuffed byte, a restart marker or padding
PIECE_BYTES = 4096
START, END, SCAN = 0xD8, 0xD9, 0xDA


def estimate_coefficient_bytes(image: JpegImagePlugin.JpegImageFile, file: Any) -> int:
    """The memory for the coefficients of a JPEG with several scans: libjpeg keeps two bytes each until the last scan.

    Raises PictureError if there are too many scans, because each takes time for all pixels.
    """
    n_pixels = image.width * image.height
    scans = _read_scans(file)
    if not image.info.get("progressive") and next(scans, 0) == image.layers:
        return 0  # libjpeg stops after this scan
    for n_scans, _ in enumerate(scans, start=1):
        if n_scans * n_pixels > MAX_SCANNED_PIXELS:
            raise PictureError(f"takes too long to decode ({n_scans} scans or more)")
    sampled = [across * down for _, across, down, _ in image.layer]
    largest = max(across for _, across, _, _ in image.layer) * max(down for _, _, down, _ in image.layer)
    return 2 * n_pixels * sum(sampled) // max(1, largest)


def _read_scans(file: Any) -> Iterator[int]:
    """The number of components of each scan, up to the end of the first picture in the file."""
    file.seek(0)
    while (marker := _read_marker(file)) not in (None, END):
        if marker in (0x01, START):
            continue
        begin = file.tell()
        segment = file.read(3)
        if len(segment) < 3:
            return
        if marker == SCAN:
            yield segment[2]
        file.seek(begin + max(2, int.from_bytes(segment[:2], "big")))


def _read_marker(file: Any) -> int | None:
    """The code of the next marker; the file's position is then behind it."""
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
