"""A picture that a visitor hands in to find the like of: looked at in memory, never stored."""

import io

from PIL import Image

from indexer.errors import PictureError, UsageError
from indexer.pictures.images import open_picture, reading_pictures
from ui.settings import MAX_UPLOAD_MB

__all__ = ["read_upload"]

MAX_PIXELS = 100_000_000
SIDE = 1024  # pixels that are kept of it


def read_upload(content: bytes) -> Image.Image:
    """Upright, in RGB. Raises UsageError with a sentence for what is too large or no picture."""
    if len(content) > MAX_UPLOAD_MB << 20:
        raise UsageError(f"This file is larger than {MAX_UPLOAD_MB} MB; choose a smaller one.")
    try:
        with reading_pictures():
            image = open_picture(io.BytesIO(content), min_side=SIDE, max_pixels=MAX_PIXELS).image
    except PictureError as error:
        raise UsageError(f"This file can't be used: {error}.") from error
    image.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC)
    return image
