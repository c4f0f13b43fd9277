"""Albums and saved searches, in a directory and on a server."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text

import cosmos_search
from indexer.errors import UsageError
from indexer.store.albums import FAVOURITES, MAX_NAME
from indexer.store.database import open_database
from indexer.store.filter_record import Filters
from indexer.store.server import open_server
from tests.colour import ColourEncoder, paint_photos
from tests.older_catalogs import make_older, make_older_on_server


@pytest.fixture
def photos(tmp_path):
    return paint_photos(tmp_path / "photos", ("red", "lime", "blue"))


@pytest.fixture
def library(place, photos):
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(photos)
        yield library


def ids_by_name(library):
    return {picture.paths[0].stem: picture.id for picture in library.browse()}


def test_pictures_are_added_found_and_removed(library):
    ids = ids_by_name(library)
    version = library.version()
    album = library.add_to_album("Trip", [ids["red"], ids["blue"]])
    assert library.add_to_album(" Trip ", [ids["red"]]) == album
    (found,) = library.albums()
    assert (found.name, found.search, found.n_pictures, found.cover in ids.values()) == ("Trip", None, 2, True)
    assert library.albums_of(ids["red"]) == [album]
    assert library.albums_of(ids["lime"]) == []
    assert {hit.path.stem for hit in library.search("red", filters=Filters(album=album))} == {"red", "blue"}
    assert library.n_matching(Filters(album=album)) == 2
    assert {count.value for count in library.facets(Filters(album=album)).orientations} == {"square"}
    library.remove_from_album(album, [ids["red"]])
    assert [picture.paths[0].stem for picture in library.browse(Filters(album=album))] == ["blue"]
    library.delete_album(album)
    assert library.albums() == []
    assert library.version() == version  # of the vectors: cached results stay valid
    assert library.n_pictures() == 3


def test_an_album_keeps_a_picture_that_is_indexed_again(library, photos):
    album = library.add_to_album(FAVOURITES, [ids_by_name(library)["lime"]])
    library.remove(photos)
    assert library.albums()[0].n_pictures == 0
    library.add(photos)
    assert [picture.paths[0].stem for picture in library.browse(Filters(album=album))] == ["lime"]


def test_a_saved_search_is_replaced_and_never_becomes_an_album(library):
    first = library.save_search("Cats", "query=cat")
    assert library.save_search("Cats", "query=a+cat") == first
    assert [(album.name, album.search, album.cover) for album in library.albums()] == [("Cats", "query=a+cat", None)]
    with pytest.raises(UsageError, match="saved search named 'Cats'"):
        library.add_to_album("Cats", [])
    library.add_to_album("Trip", [])
    with pytest.raises(UsageError, match="an album named 'Trip'"):
        library.save_search("Trip", "query=a")


def test_favourites_come_first(library):
    for name in ("b", "A", FAVOURITES):
        library.add_to_album(name, [])
    assert [album.name for album in library.albums()] == [FAVOURITES, "A", "b"]


@pytest.mark.parametrize("name", ["", " \n ", "x" * (MAX_NAME + 1)])
def test_a_name_has_to_be_a_name(name, library):
    with pytest.raises(UsageError, match="1 to 100 characters"):
        library.add_to_album(name, [])


def test_shapes_are_in_the_order_of_browsing(library):
    shapes = library.newest_shapes(n=2)
    assert [shape.id for shape in shapes] == [picture.id for picture in library.browse()][:2]
    assert [(shape.width, shape.height, shape.taken_at) for shape in shapes] == [(16, 16, None)] * 2


def test_an_older_catalog_gets_the_tables_of_albums(tmp_path):
    path = tmp_path / "catalog.db"

    def tables():
        with closing(sqlite3.connect(path)) as connection:
            found = ("albums", "album_pictures")
            return [connection.execute(f"PRAGMA table_info({name})").fetchall() for name in found]

    open_database(path).dispose()
    new = tables()
    make_older(path, 5)
    open_database(path).dispose()
    assert tables() == new


def test_an_older_server_catalog_gets_the_tables_of_albums(server_place):
    columns = text(
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
        "WHERE table_name IN ('albums', 'album_pictures') AND table_schema = current_schema() ORDER BY 1, 2"
    )
    engine = open_server(server_place)
    with engine.begin() as connection:
        new = connection.execute(columns).all()
    engine.dispose()
    make_older_on_server(server_place, 2)
    engine = open_server(server_place)
    with engine.begin() as connection:
        assert connection.execute(columns).all() == new
        assert len(new) == 5
    engine.dispose()
