"""An image to find similar pictures to."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cosmos_search.retrieval.errors import ExampleImageError
from indexer.errors import PictureError
from indexer.pictures.regions import WHOLE, Box

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["MIN_SIDE", "ExampleImage", "read_example_image"]

MIN_SIDE = 1024  # pixels of the shorter side that decoding keeps, for boxes within the image


@dataclass(frozen=True, slots=True)
class ExampleImage:
    """An image to find similar pictures to, or a part of it."""

    picture: "Image.Image"  # upright, RGB
    box: Box = WHOLE


def read_example_image(source: "str | Path | Image.Image", box: Box | None = None) -> ExampleImage:
    """The image of a file, or this image. Raises ExampleImageError for a file that cannot be read."""
    from PIL import Image  # here, because a search for a text needs no Pillow

    from indexer.pictures.images import open_picture, reading_pictures

    if isinstance(source, Image.Image):
        return ExampleImage(source.convert("RGB"), box or WHOLE)
    path = Path(source)
    try:
        if path.exists() and not path.is_file():  # opening a pipe or a device could block
            raise PictureError("it is not a file")
        with reading_pictures(), path.open("rb") as file:
            return ExampleImage(open_picture(file, min_side=MIN_SIDE).image, box or WHOLE)
    except (OSError, PictureError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise ExampleImageError(path, reason or str(error)) from error
