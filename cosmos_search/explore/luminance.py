"""Pictures decoded very small, in gray: what near duplicates are verified on."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.cores import available_cores
from indexer.errors import PictureError
from indexer.ingest.threads import ordered_map, workers
from indexer.pictures.images import Picture, compute_fingerprint, open_picture, reading_pictures
from indexer.store.records import PictureRecord

__all__ = ["SIDE", "has_content", "open_unchanged_file", "read_luminance", "shrink"]

SIDE = 96  # pixels; the comparison needs 64 of them in a part that is 2/3 of the side
DECODE_FACTOR = 2  # a JPEG is decoded at this multiple of SIDE or larger, because DCT scaling averages roughly
LOOK_AHEAD = 4  # pictures for each thread

Gray = NDArray[np.uint8]


def read_luminance(
    pictures: Sequence[PictureRecord], on_progress: Callable[[float], None]
) -> tuple[Gray, NDArray[np.bool_]]:
    """The luminance of each picture that can be read, as an upright square: (m, SIDE, SIDE); and which these are: (n,).

    The array is in a temporary file, because those of 100,000 pictures take 0.9 GB.
    """
    with TemporaryFile() as file:
        squares = np.memmap(file, np.uint8, "w+", shape=(max(1, len(pictures)), SIDE, SIDE))
    is_read = np.zeros(len(pictures), dtype=np.bool_)
    n_threads = available_cores()
    with reading_pictures(), workers(n_threads) as pool:
        for i, gray in enumerate(ordered_map(pool, _read_gray, pictures, LOOK_AHEAD * n_threads)):
            if gray is not None:
                squares[is_read.sum()] = gray
                is_read[i] = True
            if i % 64 == 63:
                on_progress((i + 1) / len(pictures))
    on_progress(1.0)
    return squares[: is_read.sum()], is_read


def shrink(image: Image.Image, side: int) -> Gray:
    """The luminance of a picture as a square: (side, side)."""
    return np.asarray(image.convert("L").resize((side, side), Image.Resampling.BILINEAR, reducing_gap=3.0))


def open_unchanged_file(picture: PictureRecord, min_side: int) -> tuple[Path, Picture] | None:
    """The first of a picture's files that still has its content, decoded; None if there is none.

    min_side: see `open_picture`. To be called inside `reading_pictures`.
    """
    for path in picture.paths:
        try:
            if path.is_file():  # opening a pipe or a device could block
                with path.open("rb") as file:
                    if compute_fingerprint(file).hex() == picture.fingerprint:
                        return path, open_picture(file, min_side=min_side, max_pixels=None)
        except (OSError, PictureError):
            continue
    return None


def has_content(path: Path, picture: PictureRecord) -> bool:
    """True if this file can be read and has the content of the picture."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return compute_fingerprint(file).hex() == picture.fingerprint
    except (OSError, PictureError):
        return False


def _read_gray(picture: PictureRecord) -> Gray | None:
    found = open_unchanged_file(picture, DECODE_FACTOR * SIDE)
    if found is None:
        return None
    return shrink(found[1].image, SIDE)
