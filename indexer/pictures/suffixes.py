"""The suffixes of picture files that can be read."""

from functools import cache
from importlib.util import find_spec

__all__ = ["HEIF", "PICTURES", "RAW", "needs_extra", "readable"]

PICTURES = frozenset(".jpg .jpeg .jpe .jfif .png .webp .gif .bmp .tif .tiff .avif".split())  # without an extra
HEIF = frozenset(".heic .heif .hif".split())  # with pillow-heif
RAW = frozenset(".dng .cr2 .cr3 .nef .arw .orf .rw2 .raf .pef .srw".split())  # with rawpy


@cache
def readable() -> frozenset[str]:
    """The suffixes, in lower case, of files that can be read with the installed packages."""
    extras = {HEIF: "pillow_heif", RAW: "rawpy"}
    return PICTURES.union(*(suffixes for suffixes, package in extras.items() if find_spec(package)))


def needs_extra(suffix: str) -> bool:
    """True if the extra [formats] is needed to read files with this suffix, and not installed."""
    return suffix in HEIF.union(RAW) - readable()
