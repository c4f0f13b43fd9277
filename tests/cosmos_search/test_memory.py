"""What a library has loaded is freed when the library is."""

import cosmos_search
from tests.colour import ColourEncoder, paint_photos
from tests.memory import is_freed_at_once


def test_the_encoder_of_a_closed_library_is_freed_at_once(tmp_path, place):
    photos = paint_photos(tmp_path / "photos")

    def use_library():
        with cosmos_search.open(place, encoder=ColourEncoder()) as library:
            library.add(photos)
            library.search("red")
            library.facets()
            library.near_duplicates()
            library.remove(photos)
        return library.encoder

    assert is_freed_at_once(use_library)
