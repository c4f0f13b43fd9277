"""A few pictures with dates, cameras and places, and an index of them made with the built-in encoder."""

from pathlib import Path

from PIL import Image

from tests.colour import dated
from tests.demo import make_index

# Name, date, camera, width, latitude and longitude.
PHOTOS = (
    ("old/river.jpg", "2022:07:01 10:00:00", "Nikon Z6", 40, (48.14, 11.58)),  # in Munich
    ("old/tree.jpg", "2023:02:03 10:00:00", "Canon EOS R5", 40, (48.40, 11.75)),  # 30 km north of it
    ("new/house.jpg", "2024:12:24 18:00:00", "Canon EOS R5", 24, None),
    ("new/plain.jpg", None, None, 24, None),
)


def take_photos(folder: Path) -> Path:
    """The folder, with the pictures, 24 pixels high."""
    for i, (name, date, camera, width, place) in enumerate(PHOTOS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        exif = dated(date, *(place or (None,)), camera=camera) if date else None
        Image.new("RGB", (width, 24), (60 * i, 20, 90)).save(folder / name, **({"exif": exif} if exif else {}))
    return folder


def index_photos(folder: Path) -> Path:
    """The place of an index of the pictures, which are made in `folder`."""
    return make_index(folder / "index", take_photos(folder / "photos"))
