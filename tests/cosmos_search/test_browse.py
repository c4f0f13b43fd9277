from datetime import datetime

import pytest
from PIL import Image

import cosmos_search
from indexer.errors import CosmosSearchError, UsageError
from indexer.store.filter_record import Filters, Near
from tests.colour import ColourEncoder, dated, paint


@pytest.fixture
def album(tmp_path, place):
    """Five days, of which the third has two pictures; two pictures without a date; one with a copy."""
    photos = tmp_path / "photos"
    for i, day in enumerate((3, 1, 5, 3, 2, 4)):
        image = Image.new("RGB", (60 + i, 40), "red")
        image.save(photos_file(photos, f"{i}.jpg"), exif=dated(f"2024:06:0{day} 12:00:00", 48, 11 + i))
    paint(photos / "undated-1.png", "blue", seed=1)
    paint(photos / "undated-2.png", "blue", seed=2)
    (photos / "copy.jpg").write_bytes((photos / "0.jpg").read_bytes())
    (photos / "broken.jpg").write_text("no picture")
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(photos)
        yield library


def photos_file(photos, name):
    photos.mkdir(exist_ok=True)
    return photos / name


def test_browsing_shows_every_picture_once_newest_first_and_undated_ones_last(album):
    records = album.browse()
    days = [r.facts.metadata.taken_at and r.facts.metadata.taken_at.day for r in records]
    assert days == [5, 4, 3, 3, 2, 1, None, None]
    assert records[2].id > records[3].id
    assert records[6].id > records[7].id
    assert [p.name for r in records for p in r.paths if len(r.paths) > 1] == ["0.jpg", "copy.jpg"]


def test_pages_follow_each_other_without_a_gap(album):
    pages = [album.browse(start=start, n=3) for start in (0, 3, 6, 9)]
    assert [len(page) for page in pages] == [3, 3, 2, 0]
    assert [r for page in pages for r in page] == album.browse()


def test_a_page_must_have_a_picture(album):
    for start, n in ((-1, 5), (0, 0)):
        with pytest.raises(UsageError, match="a page has 1 or more"):
            album.browse(start=start, n=n)


@pytest.mark.parametrize(
    ("filters", "n"),
    [
        (None, 8),
        (Filters(), 8),
        (Filters(after=datetime(2024, 6, 3)), 4),
        (Filters(near=Near(48, 11, 1)), 1),
        (Filters(near=Near(48, 11, 75)), 2),  # a degree is 74.4 km there
        (Filters(near=Near(48, 11, 74)), 1),
        (Filters(orientation="square"), 2),
        (Filters(folder="nowhere"), 0),
    ],
)
def test_browsing_and_counting_obey_the_filters(album, filters, n):
    assert album.n_matching(filters) == len(album.browse(filters)) == n


def test_letters_beyond_a_to_z_are_found_as_they_are_written(tmp_path, place):
    paint(tmp_path / "photos" / "Ägypten" / "a.png", "red")
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(tmp_path / "photos")
        assert library.n_matching(Filters(folder="ÄGYPTEN")) == 1
        assert library.n_matching(Filters(folder="Berge")) == 0


def test_an_index_without_pictures_says_so(tmp_path, place):
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        for ask in (library.browse, library.n_matching, library.facets):
            with pytest.raises(CosmosSearchError, match="no index"):
                ask()
        (tmp_path / "empty").mkdir()
        library.add(tmp_path / "empty")
        for ask in (library.browse, library.n_matching, library.facets, lambda: library.search("red")):
            with pytest.raises(CosmosSearchError, match="holds no pictures yet"):
                ask()
