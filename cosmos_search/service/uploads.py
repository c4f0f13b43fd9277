"""Reading an uploaded example picture: decoded in memory, never stored."""

import io

from PIL import Image

from cosmos_search.limits import MAX_UPLOAD_MB
from indexer.errors import PictureError, UsageError
from indexer.pictures.images import open_picture, reading_pictures

__all__ = ["decode_upload", "read_upload"]

MAX_PIXELS = 100_000_000
SIDE = 1024  # pixels of the longer side after scaling


def read_upload(content: bytes) -> Image.Image:
    """The uploaded picture, upright, in RGB, scaled to SIDE. Raises UsageError if it is too large or not a picture."""
    image = decode_upload(content)
    image.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC)
    return image


def decode_upload(content: bytes) -> Image.Image:
    """The uploaded picture, upright, in RGB; a JPEG may be reduced to SIDE. Raises UsageError as `read_upload` does."""
    if len(content) > MAX_UPLOAD_MB << 20:
        raise UsageError(f"The file is larger than {MAX_UPLOAD_MB} MB; choose a smaller one.")
    try:
        with reading_pictures():
            return open_picture(io.BytesIO(content), min_side=SIDE, max_pixels=MAX_PIXELS).image
    except PictureError as error:
        raise UsageError(f"The file can't be used: {error}.") from error
