"""Read the preview in a raw file of a camera, with rawpy (the extra [formats])."""

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
    """The embedded preview, not yet decoded, and the full size of the raw picture: width and height, upright.

    Without a preview, the raw picture is developed at half size. Raises PictureError if LibRaw can't read the file.
    """
    import rawpy  # an extra

    try:
        with rawpy.imread(file) as raw:
            size = (raw.sizes.width, raw.sizes.height)
            if raw.sizes.flip in FLIPS_THAT_SWAP_SIDES:
                size = size[::-1]
            try:
                return _open_preview(raw.extract_thumb().data, raw.sizes.flip), size
            except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
                return Image.fromarray(raw.postprocess(half_size=True, use_camera_wb=True)), size  # upright already
    except rawpy.LibRawError as error:
        raise PictureError("not a raw file, or of a camera that LibRaw does not support") from error


def _open_preview(data: bytes | NDArray[np.uint8], flip: int) -> Image.Image:
    """Open a JPEG or an array of pixels. Without an EXIF orientation, it gets that of LibRaw's `flip`."""
    if isinstance(data, bytes):
        image: Image.Image = Image.open(trim_metadata(BytesIO(data)), formats=["JPEG"])
    else:
        image = Image.fromarray(data)
    exif = image.getexif()
    if ExifTags.Base.Orientation not in exif and flip in ORIENTATION_OF_FLIP:
        exif[ExifTags.Base.Orientation] = ORIENTATION_OF_FLIP[flip]
    return image
