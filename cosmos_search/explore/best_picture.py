"""Which of several versions of a picture is the best one, and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cosmos_search.explore.luminance import open_first
from indexer.pictures.suffixes import RAW
from indexer.store.records import PictureRecord

__all__ = ["Quality", "Reason", "choose_best", "measure_quality"]

Reason = Literal[
    "raw file", "in colour", "more pixels", "sharper", "with camera data", "less compressed", "same content"
]

SIDE = 512  # pixels: pictures are compared at this size
PLAIN = 4.0  # gray levels of deviation, of rows and columns that are a border
GRAY = 3.0  # mean distance from gray, of a picture that counts as gray
LARGER, SHARPER, LESS_COMPRESSED = 1.05, 1.1, 1.1  # factors that count as a difference


@dataclass(frozen=True, slots=True)
class Quality:
    """What one version of a picture has more of than another."""

    is_raw: bool
    is_coloured: bool
    n_pixels: float  # without a plain border
    sharpness: float  # energy of the gradient at SIDE × SIDE, relative to the variance
    has_camera: bool
    size_bytes: int


def measure_quality(picture: PictureRecord) -> Quality | None:
    """Measured on the first file that can be read; None if there is none. To be called inside `reading_pictures`."""
    found = open_first(picture, SIDE)
    if found is None:
        return None
    path, decoded = found
    image = decoded.image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=3.0)
    gray = np.asarray(image.convert("L"), dtype=np.float32)
    chroma = np.asarray(image.convert("YCbCr"), dtype=np.float32)[..., 1:] - 128
    down, across = np.gradient(_trim(gray))
    return Quality(
        is_raw=path.suffix.lower() in RAW,
        is_coloured=float(np.abs(chroma).mean()) > GRAY,
        n_pixels=decoded.width * decoded.height * _trim(gray).size / gray.size,
        sharpness=float((down**2 + across**2).mean() / max(1.0, gray.var())),
        has_camera=decoded.metadata.camera is not None,
        size_bytes=path.stat().st_size,
    )


def choose_best(qualities: Sequence[Quality]) -> tuple[int, tuple[Reason, ...]]:
    """The number of the best one, and why: each reason is one by which it is better than some of the others.

    The first criterion is the most important one; differences below a tolerance are left to the next. The first of
    equal ones is the best.
    """
    left, reasons = list(range(len(qualities))), []
    for reason, measure, factor in CRITERIA:
        values = [measure(qualities[i]) for i in left]
        kept = [i for i, value in zip(left, values, strict=True) if value * factor >= max(values)]
        if len(kept) < len(left):
            reasons.append(reason)
        left = kept
    return left[0], tuple(reasons)


CRITERIA: tuple[tuple[Reason, Callable[[Quality], float], float], ...] = (
    ("raw file", lambda quality: quality.is_raw, 1.0),
    ("in colour", lambda quality: quality.is_coloured, 1.0),
    ("more pixels", lambda quality: quality.n_pixels, LARGER),
    ("sharper", lambda quality: quality.sharpness, SHARPER),
    ("with camera data", lambda quality: quality.has_camera, 1.0),
    ("less compressed", lambda quality: quality.size_bytes, LESS_COMPRESSED),
)


def _trim(gray: NDArray[np.float32]) -> NDArray[np.float32]:
    """The picture without a border of one gray level: (rows, columns), at least one pixel."""
    for axis in (0, 1):
        lines = gray if axis == 0 else gray.T
        inside = np.flatnonzero(np.abs(lines - np.median(lines, axis=1, keepdims=True)).max(axis=1) > PLAIN)
        if len(inside):
            lines = lines[inside[0] : inside[-1] + 1]
        gray = lines if axis == 0 else lines.T
    return gray
