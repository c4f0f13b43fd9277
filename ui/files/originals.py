"""The one door from the page to the disk: a file is opened only if it still holds what was indexed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from indexer.errors import PictureError
from indexer.pictures.images import fingerprint, open_picture, reading_pictures
from indexer.store.records import PictureRecord

__all__ = ["is_available", "open_original", "read_upright"]


@contextmanager
def open_original(picture: PictureRecord) -> Iterator[BinaryIO]:
    """The first of a picture's files with the content that was indexed; PictureError if there is none.

    So no link, no swapped file and no address of a page ever shows anything else than indexed pictures.
    """
    for path in filter(is_available, picture.paths):
        try:
            file = path.open("rb")
        except OSError:
            continue
        with file:
            if fingerprint(file).hex() == picture.fingerprint:
                file.seek(0)
                yield file
                return
    raise PictureError("it was deleted or changed since it was indexed")


def is_available(path: Path) -> bool:
    """Whether it is a file (a pipe or a device might never end) that can be reached."""
    try:
        return path.is_file()
    except OSError:  # in a folder that may not be looked into, or on a share that is gone
        return False


def read_upright(picture: PictureRecord, side: int) -> Image.Image:
    """The picture, its longer side at most `side` pixels. Raises PictureError with the reason why not."""
    with reading_pictures(), open_original(picture) as file:
        image = open_picture(file, min_side=side).image
    image.thumbnail((side, side), Image.Resampling.BICUBIC)
    return image
