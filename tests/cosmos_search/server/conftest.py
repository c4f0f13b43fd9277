import pytest

pytest.importorskip("fastapi")

import cosmos_search
from cosmos_search.server.service import Service
from cosmos_search.service.thumbnails import Thumbnails
from tests.colour import ColourEncoder, dated, paint_photos
from tests.serving import serving


class WordEncoder(ColourEncoder):
    """Words that are not names of colours have a vector, too: that of black."""

    def encode_texts(self, texts):
        return super().encode_texts([text if "photo of" not in text else "black" for text in texts])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def photos(folder):
    """A picture of each colour; the red one has a date, a place and a camera."""
    from PIL import Image

    photos = paint_photos(folder / "photos")
    with Image.open(photos / "red.png") as image:
        image.save(photos / "red.png", exif=dated("2024:06:15 12:00:00", 48.1, 11.5, "X100"))
    return photos


@pytest.fixture(scope="module")
def library(folder, photos):
    with cosmos_search.open(folder / "index", encoder=WordEncoder()) as library:
        library.add(photos)
        yield library


@pytest.fixture(scope="module")
def service(folder, library):
    return Service(library, thumbnails=Thumbnails(folder / "thumbnails", 1_000_000))


@pytest.fixture(scope="module")
def server(service):
    with serving(service) as caller:
        yield caller
