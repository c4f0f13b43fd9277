"""Reading original files: a file is opened only if its content is still the one that was indexed."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from cosmos_search.retrieval.example_image import MIN_SIDE
from indexer.errors import PictureError, UsageError
from indexer.pictures.images import compute_fingerprint, open_picture, reading_pictures
from indexer.store.records import PictureRecord

__all__ = ["is_available", "open_original", "read_chunks", "read_example", "read_upright"]

CHUNK_BYTES = 256 << 10


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
            if compute_fingerprint(file).hex() == picture.fingerprint:
                file.seek(0)
                yield file
                return
    raise PictureError("it was deleted or changed since it was indexed")


def read_chunks(picture: PictureRecord) -> tuple[int, Iterator[bytes]]:
    """Size in bytes and content of the checked file, which is open until the iterator ends or is deleted.

    Raises PictureError as `open_original` does.
    """
    stack = ExitStack()
    file = stack.enter_context(open_original(picture))
    chunks = _read_and_close(stack, file)
    next(chunks)  # from here on it closes the file, also if nothing is read
    return os.fstat(file.fileno()).st_size, chunks


def _read_and_close(stack: ExitStack, file: BinaryIO) -> Iterator[bytes]:
    """Nothing, and then the content of the file."""
    with stack:
        yield b""
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def is_available(path: Path) -> bool:
    """True for an accessible regular file (reading a pipe or a device might not end)."""
    try:
        return path.is_file()
    except OSError:  # no permission for the folder, or the network share is not mounted
        return False


def read_example(picture: PictureRecord) -> Image.Image:
    """The upright picture, as an example file of a search is read. Raises UsageError if it cannot be read."""
    try:
        with reading_pictures(), open_original(picture) as file:
            return open_picture(file, min_side=MIN_SIDE).image
    except PictureError as error:
        raise UsageError(f"The picture {picture.id} can't be used: {error}.") from error


def read_upright(picture: PictureRecord, side: int) -> Image.Image:
    """The upright picture, its longer side at most `side` pixels. Raises PictureError if it cannot be read."""
    width, height = picture.facts.width, picture.facts.height
    min_side = -(-side * min(width, height) // max(width, height))  # so that a JPEG may be decoded at half its size
    with reading_pictures(), open_original(picture) as file:
        image = open_picture(file, min_side=min_side).image
    image.thumbnail((side, side), Image.Resampling.BICUBIC)
    return image
