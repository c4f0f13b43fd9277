"""Whether two pages of text, slides, screens or drawings differ in a small part: in a line, a word, a number.

They are too alike at the size at which photos are compared. Photos are not looked at so closely, because copies of
them have small differences that are meant: a date or a name in a corner.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cosmos_search.explore.alignment import FINE, align_pair
from cosmos_search.explore.luminance import open_unchanged_file, shrink
from cosmos_search.explore.structure import find_least_structure
from indexer.store.records import PictureRecord

__all__ = ["differ_in_part", "is_page", "make_page", "read_page"]

Gray = NDArray[np.uint8]

SIDE = 512  # pixels: a line of a page has 8 or more of them
BLOCK, LETTER = 32, 8  # pixels; in a block the light on a page is even
LEVELS = 12  # gray levels around the median of a block, which is the paper
INK = 30.0  # gray levels: the contrast of a part with letters
# Of the pixels, and of the parts of the size of a letter. Pages with margins have 0.75 and more of the first, those of
# dense text 0.5 and more, and 0.72 of the second. Photos: 0.58 and 0.07 in the median, one in ten has 0.78 and 0.16.
MIN_PAPER, MIN_DENSE = 0.7, 0.5
MIN_STRUCTURE = 0.5  # copies that are well aligned: 0.7 and more; pages that differ in a number: 0.41 and less


def read_page(picture: PictureRecord) -> Gray | None:
    """What `make_page` makes of a picture; None if it can't be read. To be called inside `reading_pictures`."""
    found = open_unchanged_file(picture, SIDE)
    return None if found is None else make_page(found[1].image)


def make_page(image: Image.Image) -> Gray | None:
    """The luminance as a square of SIDE pixels, or less for a small picture; None if it is not like a page."""
    side = FINE
    while side < SIDE and side * 1.5 <= min(image.size):
        side *= 2
    gray = shrink(image, side)
    return gray if is_page(gray) else None


def is_page(gray: Gray) -> bool:
    """True if most of a picture (side, side) is paper, of one gray level in each part of it, or dense with letters."""
    blocks = _split(gray, BLOCK)
    paper = np.median(blocks, axis=1, keepdims=True)
    contrast = _split(gray, LETTER).std(axis=1)
    return bool((np.abs(blocks - paper) < LEVELS).mean() >= MIN_PAPER or (contrast >= INK).mean() >= MIN_DENSE)


def differ_in_part(first: Gray, second: Gray) -> bool:
    """True if two pages, which are alike on the whole, differ in some part. They may have other sizes."""
    side = min(len(first), len(second))
    return find_least_structure(*align_pair(first, second, side)) < MIN_STRUCTURE


def _split(gray: Gray, side: int) -> NDArray[np.int16]:
    """The pixels of square parts: (parts, side²)."""
    n = len(gray) // side
    return gray.reshape(n, side, n, side).swapaxes(1, 2).reshape(n * n, -1).astype(np.int16)
