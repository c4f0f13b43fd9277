"""Reading original files: a file is opened only if its content is still the one that was indexed."""

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
    """Open the first of a picture's files that has the indexed content. Raises PictureError if there is none.

    The check by fingerprint ensures that only indexed pictures are shown, even if a file was replaced by a link.
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
    """True for an accessible regular file (reading a pipe or a device might not end)."""
    try:
        return path.is_file()
    except OSError:  # no permission for the folder, or the network share is not mounted
        return False


def read_upright(picture: PictureRecord, side: int) -> Image.Image:
    """The upright picture, its longer side at most `side` pixels. Raises PictureError if it cannot be read."""
    with reading_pictures(), open_original(picture) as file:
        image = open_picture(file, min_side=side).image
    image.thumbnail((side, side), Image.Resampling.BICUBIC)
    return image
