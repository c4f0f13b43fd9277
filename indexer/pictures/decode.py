"""Decode an opened picture within the budget: at once if it fits, else in bands, else raise PictureError."""

from collections.abc import Iterator
from functools import partial
from math import ceil
from typing import Any, cast

from PIL import BmpImagePlugin, ExifTags, GifImagePlugin, Image, JpegImagePlugin, TiffImagePlugin

from indexer.errors import PictureError
from indexer.pictures import png, tiff
from indexer.pictures.budget import PICTURE_BYTES, memory
from indexer.pictures.colour import BAND_PIXELS, Bands, reduce_to_rgb, split_bands
from indexer.pictures.jpeg import estimate_coefficient_bytes

__all__ = ["check_bytes", "decode"]

ORDINARY_PIXELS = 32_000_000  # larger pictures are reduced
MAX_FACTOR = 64
MODE_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}  # per pixel; other modes: 4
CODEC_BYTES = {"WEBP": 14, "AVIF": 15, "HEIF": 9}  # per pixel, measured: planes, canvases, copies, the result
ALPHA_BYTES = {"AVIF": 3, "HEIF": 5}  # per pixel, in addition, with transparency
HEIF_BYTES = 75_000_000  # in addition, for the threads of libheif
MAX_RLE_PIXELS = 25_000_000  # of a run-length encoded BMP, which Pillow decodes in Python
BAND_BYTES = 20_000_000  # for the conversion of one band


def decode(image: Image.Image, min_side: int, n_read: int = 0) -> Image.Image:
    """Decode the picture as RGB, reduced if it is large.

    min_side: a JPEG may be reduced as long as its shorter side has this many pixels. Only if the memory does not
    suffice, a picture of any format may become smaller than that.
    n_read: bytes of the file that are held in memory.
    Raises PictureError before anything is decoded if it would take too much memory or time.
    """
    is_jpeg = isinstance(image, JpegImagePlugin.JpegImageFile)
    full_bytes = n_read + (_draft_jpeg(image, min_side) if is_jpeg else _draft(image, min_side))
    factor = None if tiff.must_decode_bands(image) else _choose_factor(image.size, full_bytes)
    if factor is not None:
        with memory.reserve(_estimate_bytes(image.size, full_bytes, factor)):
            _load(image)
            if image.mode == "RGB" and factor == 1:
                return image
            return reduce_to_rgb(partial(split_bands, image), image.size, factor)
    size, band_bytes = image.size, n_read + BAND_BYTES
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        size = tiff.read_stored_size(image)
        band_bytes += 2 * tiff.estimate_part_bytes(image)
    factor = _choose_factor(size, band_bytes)
    if factor is None or (bands := _choose_bands(image)) is None:
        raise _too_large_error(image.size, full_bytes)
    with memory.reserve(_estimate_bytes(size, band_bytes, factor)):
        return reduce_to_rgb(bands, size, factor)


def check_bytes(size: tuple[int, int], n_bytes: int) -> None:
    """Raise PictureError if decoding a picture takes more bytes than the limit."""
    if n_bytes > PICTURE_BYTES:
        raise _too_large_error(size, n_bytes)


def _too_large_error(size: tuple[int, int], n_bytes: int) -> PictureError:
    return PictureError(
        f"{size[0]}×{size[1]} pixels of this kind take {n_bytes / 1e6:.0f} MB to decode, "
        f"over the limit of {PICTURE_BYTES / 1e6:.0f} MB"
    )


def _draft_jpeg(image: Any, min_side: int) -> int:
    """Set the scale at which a JPEG will be decoded. Returns the bytes that decoding takes."""
    coefficients = estimate_coefficient_bytes(image, image.fp)
    width, height = image.size
    scale = min_side / min(width, height)
    fits = min(width // ceil(width * scale), height // ceil(height * scale))
    divisor = max((d for d in (2, 4, 8) if d <= fits), default=1)
    while True:
        size = ceil(width / divisor), ceil(height / divisor)
        n_bytes = coefficients + size[0] * size[1] * MODE_BYTES.get(image.mode, 4)
        if divisor == 8 or _choose_factor(size, n_bytes) is not None:
            break
        divisor *= 2
    image.draft(None, (max(1, width // divisor), max(1, height // divisor)))
    return int(n_bytes)


def _draft(image: Image.Image, min_side: int) -> int:
    """Select a smaller version if the file has one. Returns the bytes that decoding takes."""
    scale = min_side / min(image.size)
    image.draft(None, (ceil(image.width * scale), ceil(image.height * scale)))
    n_pixels = image.width * image.height
    n_bytes: int = MODE_BYTES.get(image.mode, 4) * n_pixels
    if image.format in CODEC_BYTES:
        of_pixel = CODEC_BYTES[image.format] + (ALPHA_BYTES.get(image.format, 0) if image.mode == "RGBA" else 0)
        is_deep: bool = image.info.get("bit_depth", 8) > 8
        return n_pixels * of_pixel * (1 + int(is_deep)) + (HEIF_BYTES if image.format == "HEIF" else 0)
    if isinstance(image, GifImagePlugin.GifImageFile):
        return 2 * n_bytes  # with the area that the next frame disposes of
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        is_turned = image.tag_v2.get(ExifTags.Base.Orientation, 1) != 1  # by Pillow, which then needs a copy
        return n_bytes * (1 + int(is_turned)) + tiff.estimate_part_bytes(image)
    if isinstance(image, BmpImagePlugin.BmpImageFile) and image.tile[0][0] == "bmp_rle":
        if n_pixels > MAX_RLE_PIXELS:
            raise PictureError(f"takes too long to decode ({image.width}×{image.height} pixels, run-length encoded)")
        return 3 * n_bytes
    return n_bytes


def _choose_factor(size: tuple[int, int], decoding_bytes: int) -> int | None:
    """The number to divide the sides by so that decoding and result fit into the limits; None if none suffices."""
    for factor in range(1, MAX_FACTOR):
        is_ordinary = size[0] * size[1] <= ORDINARY_PIXELS * factor**2
        if is_ordinary and _estimate_bytes(size, decoding_bytes, factor) <= PICTURE_BYTES:
            return factor
    return None


def _estimate_bytes(size: tuple[int, int], decoding_bytes: int, factor: int) -> int:
    """The memory for decoding, for the result, and for a copy of it when it is turned upright."""
    return decoding_bytes + 8 * ceil(size[0] / factor) * ceil(size[1] / factor)


def _load(image: Image.Image) -> None:
    if image.format == "WEBP":  # its canvases take twice the picture: free them before the picture is allocated
        _release_decoder(image)
    image.load()


def _release_decoder(image: Any) -> None:
    """Free the decoder's memory just before Pillow allocates the pixels, which it does in `load_prepare`."""
    prepare = image.load_prepare

    def release_and_prepare() -> None:
        image._decoder = None
        prepare()

    image.load_prepare = release_and_prepare


def _choose_bands(image: Image.Image) -> Bands | None:
    """The picture in bands that are decoded one by one; None if its format does not allow that."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return partial(tiff.decode_bands, image)
    if png.can_decode_bands(image):
        return partial(png.decode_bands, image)
    if isinstance(image, BmpImagePlugin.BmpImageFile) and image.tile[0][0] == "raw":
        return partial(_decode_bmp_bands, image)
    return None


def _decode_bmp_bands(image: BmpImagePlugin.BmpImageFile) -> Iterator[Image.Image]:
    """The bands of an uncompressed BMP. Its rows are stored in order, often from the bottom to the top."""
    _, _, start, arguments = image.tile[0]
    raw_mode, row_bytes, direction = cast(tuple[str, int, int], arguments)
    n_rows = max(1, BAND_PIXELS // image.width)
    file: Any = image.fp
    for top in range(0, image.height, n_rows):
        bottom = min(top + n_rows, image.height)
        first = top if direction == 1 else image.height - bottom
        file.seek(start + first * row_bytes)
        content = file.read((bottom - top) * row_bytes)
        band = Image.frombytes(image.mode, (image.width, bottom - top), content, "raw", raw_mode, row_bytes, direction)
        if image.palette is not None:
            band.putpalette(image.palette.palette, image.palette.rawmode or "RGB")
        yield band
