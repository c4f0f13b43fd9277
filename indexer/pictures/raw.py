"""The preview inside a camera's raw file, by rawpy (the extra [formats])."""

from io import BytesIO
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from indexer.errors import PictureError
from indexer.pictures.trim import trim_metadata

__all__ = ["open_raw_preview"]

ORIENTATION_OF_FLIP = {3: 3, 5: 8, 6: 6}  # LibRaw's flip as an EXIF orientation
FLIPS_THAT_SWAP_SIDES = {5, 6}


def open_raw_preview(file: BinaryIO) -> tuple[Image.Image, tuple[int, int]]:
    """The embedded preview, not yet decoded (without one, the sensor's picture at half size), and the full size.

    The size is the sensor picture's width and height when upright. Raises PictureError if LibRaw can't read the file.
    """
    import rawpy  # an extra

    try:
        with rawpy.imread(file) as raw:
            size = (raw.sizes.width, raw.sizes.height)
            if raw.sizes.flip in FLIPS_THAT_SWAP_SIDES:
                size = size[::-1]
            try:
                return _preview(raw.extract_thumb().data, raw.sizes.flip), size
            except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
                return Image.fromarray(raw.postprocess(half_size=True, use_camera_wb=True)), size  # upright already
    except rawpy.LibRawError as error:
        raise PictureError("not a raw file, or of a camera that LibRaw does not know") from error


def _preview(data: bytes | NDArray[np.uint8], flip: int) -> Image.Image:
    """A JPEG or an array of pixels; where it doesn't say what is up, LibRaw's `flip` does."""
    if isinstance(data, bytes):
        image: Image.Image = Image.open(trim_metadata(BytesIO(data)), formats=["JPEG"])
    else:
        image = Image.fromarray(data)
    exif = image.getexif()
    if ExifTags.Base.Orientation not in exif and flip in ORIENTATION_OF_FLIP:
        exif[ExifTags.Base.Orientation] = ORIENTATION_OF_FLIP[flip]
    return image
