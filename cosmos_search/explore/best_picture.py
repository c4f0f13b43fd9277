"""Which of several versions of a picture is the best one, and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from cosmos_search.explore.luminance import open_unchanged_file
from indexer.pictures.suffixes import RAW
from indexer.store.records import PictureRecord

__all__ = ["Quality", "Reason", "choose_best", "measure_quality"]

Reason = Literal[
    "raw file", "in colour", "more pixels", "sharper", "with camera data", "less compressed", "same content"
]

DECODED = 512  # pixels of the shorter side, or more
SIDE = 256  # pixels: pictures are compared at this size; at 512, artifacts of JPEG looked like sharpness in small ones
PLAIN = 24.0  # gray levels between the darkest and the brightest pixel, of rows and columns that are a border
GRAY = 3.0  # mean distance from gray, of a picture that counts as gray
# Factors that count as a difference. Copies at other qualities, brightness or contrast have 0.87 to 1.2 times the
# sharpness of the original, those blurred with a radius of 0.7 pixels (in 224) at most 0.62 times.
LARGER, SHARPER, LESS_COMPRESSED = 1.02, 1.25, 1.1


@dataclass(frozen=True, slots=True)
class Quality:
    """What one version of a picture has more of than another."""

    is_raw: bool
    is_coloured: bool
    n_pixels: float  # without a plain border
    sharpness: float  # energy of the gradient at SIDE × SIDE, without a border, relative to the variance
    has_camera: bool
    size_bytes: int


def measure_quality(picture: PictureRecord) -> Quality | None:
    """Measured on the first file that can be read; None if there is none. To be called inside `reading_pictures`."""
    found = open_unchanged_file(picture, DECODED)
    if found is None:
        return None
    path, decoded = found
    image = decoded.image
    content = image.crop(_find_content(image))
    small = content.resize((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=3.0)
    gray = np.asarray(small.convert("L"), dtype=np.float32)
    chroma = np.asarray(small.convert("YCbCr"), dtype=np.float32)[..., 1:] - 128
    down, across = np.gradient(gray)
    scale = decoded.width * decoded.height / (image.width * image.height)
    return Quality(
        is_raw=path.suffix.lower() in RAW,
        is_coloured=float(np.abs(chroma).mean()) > GRAY,
        n_pixels=content.width * content.height * scale,
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


def _find_content(image: Image.Image) -> tuple[int, int, int, int]:
    """The picture without a border of one gray level: left, top, right, bottom, in pixels."""
    gray = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float32)
    edges = []
    for lines, length in ((gray.T, image.width), (gray, image.height)):
        inside = np.flatnonzero(np.ptp(lines, axis=1) > PLAIN)
        first, last = (inside[0], inside[-1] + 1) if len(inside) else (0, SIDE)
        edges.append((round(first * length / SIDE), round(last * length / SIDE)))
    (left, right), (top, bottom) = edges
    return left, top, max(left + 1, right), max(top + 1, bottom)
