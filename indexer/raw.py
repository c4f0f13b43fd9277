"""The preview inside a camera's raw file, by rawpy (the extra [formats])."""

from io import BytesIO
from typing import BinaryIO

from PIL import ExifTags, Image

__all__ = ["open_raw_preview"]

ORIENTATION_OF_FLIP = {3: 3, 5: 8, 6: 6}  # LibRaw's flip as an EXIF orientation


def open_raw_preview(file: BinaryIO) -> Image.Image:
    """The embedded preview, not yet decoded; without one, the sensor's picture at half size.

    Raises RuntimeError (LibRaw's errors) or OSError.
    """
    import rawpy  # an extra

    with rawpy.imread(file) as raw:
        try:
            preview = raw.extract_thumb()
        except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
            return Image.fromarray(raw.postprocess(half_size=True, use_camera_wb=True))  # turned upright by LibRaw
        flip = raw.sizes.flip
    image: Image.Image
    if isinstance(preview.data, bytes):
        image = Image.open(BytesIO(preview.data), formats=["JPEG"])
    else:
        image = Image.fromarray(preview.data)
    exif = image.getexif()
    if ExifTags.Base.Orientation not in exif and flip in ORIENTATION_OF_FLIP:
        exif[ExifTags.Base.Orientation] = ORIENTATION_OF_FLIP[flip]
    return image
