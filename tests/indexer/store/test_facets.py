from datetime import datetime

import pytest
from PIL import Image

import cosmos_search
from cosmos_search.retrieval.filters import parse_size
from indexer.store.facets import Count
from indexer.store.filter_record import Filters
from tests.colour import ColourEncoder, dated

PICTURES = [  # directory, size, camera, year
    ("a", (30, 20), "X100V", 2024),
    ("a", (30, 21), "X100V", 2023),
    ("a", (20, 30), "Canon R5", 2023),
    ("b", (2000, 1000), "Canon R5", 2022),
    ("b", (30, 30), None, None),
]


@pytest.fixture
def album(tmp_path, place):
    for i, (directory, size, camera, year) in enumerate(PICTURES):
        (tmp_path / "photos" / directory).mkdir(parents=True, exist_ok=True)
        exif = dated(f"{year}:06:01 12:00:00", camera=camera) if year else Image.Exif()
        Image.new("RGB", size, "red").save(tmp_path / "photos" / directory / f"{i}.jpg", exif=exif)
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(tmp_path / "photos")
        yield library


def pairs(counts):
    return [(count.value, count.n) for count in counts]


def test_every_facet_is_counted_most_frequent_first_and_years_latest_first(album, tmp_path):
    facets = album.facets()
    assert pairs(facets.cameras) == [("Canon R5", 2), ("X100V", 2)]
    assert pairs(facets.years) == [("2024", 1), ("2023", 2), ("2022", 1)]
    assert pairs(facets.orientations) == [("landscape", 3), ("portrait", 1), ("square", 1)]
    assert pairs(facets.directories) == [(str(tmp_path / "photos" / "a"), 3), (str(tmp_path / "photos" / "b"), 2)]
    assert pairs(facets.sizes) == [("2MP", 1)]


def test_a_facet_is_counted_with_every_filter_but_its_own(album):
    facets = album.facets(Filters(camera="x100", orientation="landscape"))
    assert pairs(facets.cameras) == [("Canon R5", 1), ("X100V", 2)][::-1]
    assert pairs(facets.orientations) == [("landscape", 2)]
    assert pairs(facets.years) == [("2024", 1), ("2023", 1)]
    assert pairs(album.facets(Filters(after=datetime(2024, 1, 1))).years) == [("2024", 1), ("2023", 2), ("2022", 1)]
    assert [n for _, n in pairs(album.facets(Filters(folder="photos/b")).directories)] == [3, 2]
    assert pairs(album.facets(Filters(min_pixels=parse_size("2MP"))).sizes) == [("2MP", 1)]


def test_every_count_is_what_its_filter_finds(album):
    facets = album.facets()
    counted = [(Filters(camera=c.value), c) for c in facets.cameras]
    counted += [(Filters(orientation=c.value), c) for c in facets.orientations]
    counted += [(Filters(directory=c.value), c) for c in facets.directories]
    counted += [(Filters(min_pixels=parse_size(c.value)), c) for c in facets.sizes]
    assert all(album.n_matching(filters) == count.n for filters, count in counted)


def test_a_directory_counts_with_all_below_it_and_a_camera_with_longer_names(tmp_path, place):
    for name, camera in (("trip", "EOS 5"), ("trip/day one", "EOS 5D"), ("trip2", "EOS 5")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        path = tmp_path / "photos" / name / "a.jpg"
        Image.new("RGB", (20 + len(name), 20), "red").save(path, exif=dated("2024:06:01 12:00:00", camera=camera))
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(tmp_path / "photos")
        facets = library.facets()
        assert {value.split("photos/")[1]: n for value, n in pairs(facets.directories)} == {
            "trip": 2,
            "trip/day one": 1,
            "trip2": 1,
        }
        assert pairs(facets.cameras) == [("EOS 5", 3), ("EOS 5D", 1)]
        for count in facets.directories:
            assert library.n_matching(Filters(directory=count.value)) == count.n
        for count in facets.cameras:
            assert library.n_matching(Filters(camera=count.value)) == count.n


def test_a_picture_counts_once_in_each_directory_that_shows_it(album, tmp_path):
    photos = tmp_path / "photos"
    for copy in (photos / "a" / "copy.jpg", photos / "c" / "copy.jpg"):
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes((photos / "a" / "0.jpg").read_bytes())
    album.add()
    directories = album.facets().directories
    assert [(directory[-1], n) for directory, n in pairs(directories)] == [("a", 3), ("b", 2), ("c", 1)]
    assert Count(str(photos / "c"), 1) in album.facets(Filters(camera="X100")).directories


def test_filters_that_nothing_passes_leave_only_what_else_there_is(album):
    facets = album.facets(Filters(camera="Leica"))
    assert len(facets.cameras) == 2
    assert (facets.years, facets.orientations, facets.directories, facets.sizes) == ((), (), (), ())
