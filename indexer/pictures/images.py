"""Open picture files: upright, in RGB, no larger than needed."""

import hashlib
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from io import RawIOBase
from pathlib import PurePath
from threading import Lock
from typing import BinaryIO, cast

from PIL import AvifImagePlugin, ExifTags, Image, TiffImagePlugin, UnidentifiedImageError

from indexer.errors import PictureError
from indexer.pictures.budget import TimedFile
from indexer.pictures.canvas import read_canvas
from indexer.pictures.decode import check_bytes, decode
from indexer.pictures.limits import DEFAULT_MAX_PIXELS, MAX_EXIF_BYTES, MAX_TAG_BYTES
from indexer.pictures.metadata import read_exif, read_metadata
from indexer.pictures.metadata_record import Metadata
from indexer.pictures.quiet_libtiff import quiet_libtiff
from indexer.pictures.raw import open_raw_preview
from indexer.pictures.suffixes import RAW
from indexer.pictures.trim import trim_metadata

__all__ = ["Picture", "compute_fingerprint", "open_picture", "reading_pictures"]

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")  # without those that start another program
UNREADABLE = (  # the exceptions that Pillow was observed to raise for bad files
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError,
    EOFError, MemoryError, RuntimeError, struct.error, zlib.error,
)  # fmt: skip
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # by EXIF orientation
SWAPS_SIDES = {TURNS[5], TURNS[6], TURNS[7], TURNS[8]}


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture. width and height: its full size in pixels, upright; the image may be smaller."""

    image: Image.Image  # RGB, upright
    width: int
    height: int
    metadata: Metadata


@contextmanager
def reading_pictures() -> Iterator[None]:
    """Disable Pillow's own pixel limit and its warnings. To be entered around all calls of `open_picture`.

    The settings apply to the entire process while any thread is inside: the first to enter changes them, the last to
    leave restores them.
    """
    _settings.enter()
    try:
        yield
    finally:
        _settings.leave()


class _Settings:
    """The settings of Pillow, changed while any thread is inside."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._n_inside = 0
        self._restore = ExitStack()

    def enter(self) -> None:
        with self._guard:
            self._n_inside += 1
            if self._n_inside == 1:
                self._restore.enter_context(warnings.catch_warnings())
                self._restore.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
                warnings.filterwarnings("ignore", module=r"PIL\.")
                Image.MAX_IMAGE_PIXELS = None
                n_threads = AvifImagePlugin.DEFAULT_MAX_THREADS
                self._restore.callback(setattr, AvifImagePlugin, "DEFAULT_MAX_THREADS", n_threads)
                AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # as many pictures as cores are decoded at once
                self._restore.enter_context(quiet_libtiff())

    def leave(self) -> None:
        with self._guard:
            self._n_inside -= 1
            if self._n_inside == 0:
                self._restore.close()


_settings = _Settings()


def compute_fingerprint(file: BinaryIO | RawIOBase) -> bytes:
    """The BLAKE2b digest of a file's content, 16 bytes. Raises PictureError if it can't be read."""
    try:
        return hashlib.file_digest(cast(RawIOBase, file), lambda: hashlib.blake2b(digest_size=16)).digest()
    except OSError as error:
        raise PictureError(_describe_error(error)) from error


def open_picture(file: BinaryIO, *, min_side: int, max_pixels: int | None = DEFAULT_MAX_PIXELS) -> Picture:
    """Decode the picture in an open file.

    min_side: a JPEG may be reduced by DCT scaling, as long as its shorter side has this many pixels. A very large
    picture of any format is reduced as well, if necessary to fewer pixels than that.
    max_pixels: a picture with more is refused before it is decoded; None: no limit.
    Raises PictureError with a short reason. For the limits of memory and time see `indexer.pictures.budget`.
    """
    try:
        file.seek(0)
        if not file.read(1):
            raise PictureError("the file is empty")
        timed = TimedFile(file)
        if PurePath(getattr(file, "name", "")).suffix.lower() in RAW:
            timed.seek(0)
            preview, (width, height) = open_raw_preview(cast(BinaryIO, timed))
            with preview:
                timed.finish_opening()
                picture = _decode(preview, min_side, max_pixels, timed.n_read)
                return replace(picture, width=width, height=height)
        with _open(timed, max_pixels) as image:
            timed.finish_opening()
            return _decode(image, min_side, max_pixels, timed.n_read)
    except UNREADABLE as error:
        raise PictureError(_describe_error(error)) from error


def _open(file: TimedFile, max_pixels: int | None) -> Image.Image:
    readable = trim_metadata(file)
    if canvas := read_canvas(readable):
        _check_size(canvas.size, max_pixels)
        check_bytes(canvas.size, canvas.opening_bytes)
    return Image.open(readable, formats=_formats())


def _check_size(size: tuple[int, int], max_pixels: int | None) -> None:
    width, height = size
    if max_pixels is not None and width * height > max_pixels:
        raise PictureError(f"{width}×{height} pixels are over the limit of {max_pixels / 1e6:g} megapixels")


def _decode(image: Image.Image, min_side: int, max_pixels: int | None, n_read: int) -> Picture:
    width, height = image.size
    _check_size(image.size, max_pixels)
    for name, max_bytes in (("xmp", MAX_TAG_BYTES), ("exif", MAX_EXIF_BYTES)):
        if len(image.info.get(name) or b"") > max_bytes:
            del image.info[name]
    metadata = read_metadata(image)
    rgb = decode(image, min_side, n_read)
    turn = _read_turn(image)
    if turn is None:
        return Picture(rgb, width, height, metadata)
    if turn in SWAPS_SIDES and not isinstance(image, TiffImagePlugin.TiffImageFile):  # its size is upright
        width, height = height, width
    return Picture(rgb.transpose(turn), width, height, metadata)


def _read_turn(image: Image.Image) -> Image.Transpose | None:
    """The transposition that turns the picture upright, by its EXIF orientation; None if it is upright."""
    try:
        return TURNS.get(read_exif(image).get(ExifTags.Base.Orientation, 1))
    except UNREADABLE:  # damaged EXIF
        return None


@cache
def _formats() -> tuple[str, ...]:
    if find_spec("pillow_heif"):
        import pillow_heif  # an extra

        pillow_heif.register_heif_opener()
        return (*FORMATS, "HEIF")
    return FORMATS


def _describe_error(error: Exception) -> str:
    """A short reason for people to read, without the path."""
    if isinstance(error, UnidentifiedImageError):
        return "not a picture, or of an unknown format"
    if isinstance(error, MemoryError):
        return "too large for the memory"
    if isinstance(error, OSError) and error.errno:
        return f"can't be read: {error.strerror}"
    if "truncated" in str(error).lower():
        return "the file is cut short"
    return f"damaged ({' '.join(str(error).split())[:100] or type(error).__name__})"
