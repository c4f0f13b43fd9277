"""A few photos, an index of them made with the built-in encoder, and a home directory for a test."""

from importlib.util import find_spec
from pathlib import Path

from platformdirs import user_cache_path

import cosmos_search

SKIMAGE = Path(find_spec("skimage").submodule_search_locations[0]) / "data"
HIDDEN = {"multipage.tif", "no_time_for_that_tiny.gif"}  # too small to be looked at
PHOTOS = ("chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "astronaut.png")


def list_photos():
    """The names of all photos that scikit-image brings."""
    suffixes = {".png", ".jpg", ".gif", ".tif"}
    return sorted(path.name for path in SKIMAGE.iterdir() if path.suffix in suffixes and path.name not in HIDDEN)


def link_photos(folder, names=PHOTOS):
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).symlink_to(SKIMAGE / name)
    return folder


def make_index(place, *folders):
    with cosmos_search.open(place) as library:
        library.add(*folders)
    return place


def make_home(folder):
    """Create a home directory whose cache is empty except for the built-in models, which take seconds to create."""
    models = user_cache_path("cosmos-search") / "models"
    models.mkdir(parents=True, exist_ok=True)
    cache = folder / "cache" / "cosmos-search"
    cache.mkdir(parents=True)
    (cache / "models").symlink_to(models)
    return folder
