"""Whether two pages of text, slides, screens or drawings differ in a small part: in a line, a word, a number.

They are too alike at the size at which photos are compared. Photos are not looked at so closely, because copies of
them have small differences that are meant: a date or a name in a corner.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cosmos_search.explore.alignment import FINE, align_pair
from cosmos_search.explore.luminance import open_first
from cosmos_search.explore.structure import find_least_structure
from indexer.store.records import PictureRecord

__all__ = ["differ_in_part", "is_page", "read_page"]

Gray = NDArray[np.uint8]

SIDE = 512  # pixels: a line of a page has 8 or more of them
BLOCK = 32  # pixels, in which the light on a page is even
LEVELS = 12  # gray levels around the median of a block, which is the paper
MIN_PAPER = 0.7  # of the pixels; pages of dense text have 0.75
MIN_STRUCTURE = 0.5  # copies: 0.8 and more; pages that differ in a number: 0.3 and less


def read_page(picture: PictureRecord) -> Gray | None:
    """The luminance of a picture as a square of up to SIDE pixels; None if it can't be read, or is not like a page.

    To be called inside `reading_pictures`.
    """
    found = open_first(picture, SIDE)
    if found is None:
        return None
    image = found[1].image
    side = FINE
    while side < SIDE and side * 1.5 <= min(image.size):
        side *= 2
    gray = np.asarray(image.convert("L").resize((side, side), Image.Resampling.BILINEAR, reducing_gap=3.0))
    return gray if is_page(gray) else None


def is_page(gray: Gray) -> bool:
    """True if most of a picture (side, side) is paper: of one gray level in each part of it."""
    n = len(gray) // BLOCK
    blocks = gray.reshape(n, BLOCK, n, BLOCK).swapaxes(1, 2).reshape(n * n, -1).astype(np.int16)
    paper = np.median(blocks, axis=1, keepdims=True)
    return bool((np.abs(blocks - paper) < LEVELS).mean() >= MIN_PAPER)


def differ_in_part(first: Gray, second: Gray) -> bool:
    """True if two pages, which are alike on the whole, differ in some part. They may have other sizes."""
    side = min(len(first), len(second))
    return find_least_structure(*align_pair(first, second, side)) < MIN_STRUCTURE
