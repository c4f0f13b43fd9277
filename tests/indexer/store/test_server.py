"""A catalog on a PostgreSQL server: its SQL functions, several writers, and several users' vector files."""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

import numpy as np
import psycopg
import pytest
from sqlalchemy import LargeBinary, func, literal, select

import cosmos_search
from indexer.errors import CosmosSearchError
from indexer.ingest.update import update
from indexer.pictures.metadata_record import Metadata
from indexer.pictures.walk import FoundFile
from indexer.places import ServerPlace
from indexer.store.dialect import contains_folded as sql_contains_folded
from indexer.store.dialect import record_names
from indexer.store.errors import CreateIndexError, IndexBusyError, NewerIndexError, NoIndexError, ReplacedIndexError
from indexer.store.filter_record import Filters
from indexer.store.geo import distance_km
from indexer.store.index import Index
from indexer.store.names import contains_folded, encode_part
from indexer.store.records import IndexedPicture, PictureFacts
from indexer.store.schema import APPLICATION_ID, pictures
from indexer.store.server import open_server
from indexer.store.server_schema import SERVER_MIGRATIONS
from tests.colour import ColourEncoder, paint, paint_photos
from tests.results import counts, names
from tests.rows import delete_index, run_sql

DIM = 4


@pytest.fixture
def place(postgres, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return ServerPlace(postgres.new_url())


@pytest.fixture
def index(place):
    with closing(Index.create(place)) as index:
        yield index


def make_picture(folder_id, path, number, metadata=None):
    vectors = np.full((3, DIM), number / 1000, dtype="<f2")
    facts = PictureFacts(8, 8, metadata or Metadata())
    return IndexedPicture(folder_id, FoundFile(path, 1, 1, 1), number.to_bytes(16, "big"), facts, vectors)


def add_encoder(index):
    with index.writing() as catalog:
        encoder = catalog.add_encoder("made", "1", DIM, "none")
        catalog.switch_to(encoder)
        return encoder, catalog.add_folder(Path("/photos"))


# SQL


def test_distances_are_those_of_sqlite(index):
    numbers = random.Random(0)
    places = [[numbers.uniform(-90, 90), numbers.uniform(-180, 180)] for _ in range(200)]
    pairs = [(*a, *b) for a, b in zip(places, places[1:] + places[:1], strict=True)]
    pairs += [(0, 0, 0, 0), (90, 0, -90, 0), (0, 180, 0, -180), (1e-9, 0, 0, 0)]
    with index.writing() as catalog:
        for pair in pairs:
            found = catalog._connection.execute(select(func.distance_km(*map(float, pair)))).scalar_one()
            assert found == pytest.approx(distance_km(*pair), rel=1e-14, abs=1e-9)


def test_names_are_matched_as_by_sqlite(index):
    cameras = ["LEICA Q3", "Straße", normalize("NFD", "Ägypten"), "ΟΔΟΣ", "ß", "%_\\", "İ", None]
    parts = ["leica", "q3", "STRASSE", "ÄG", "οδος", "ss", "%", "_", "\\", "i", "", "nothing", "\ud800", "a\0b"]
    encoder, folder_id = add_encoder(index)
    with index.writing() as catalog:
        made = [
            make_picture(folder_id, Path(f"/photos/{i}"), i, Metadata(camera=camera))
            for i, camera in enumerate(cameras)
        ]
        catalog.put(made, encoder.id)
    with index.reading() as catalog:
        for part in parts:
            matches = sql_contains_folded(pictures.c.camera, literal(encode_part(part), LargeBinary))
            found = set(catalog._connection.execute(select(pictures.c.camera).where(matches)).scalars())
            assert found == {camera for camera in cameras if contains_folded(camera, encode_part(part))}, part


def test_texts_with_nul_and_paths_in_any_encoding_are_stored(index):
    encoder, folder_id = add_encoder(index)
    path = Path(os.fsdecode(b"/photos/\xff\xfe/caf\xe9\\x41'%.jpg"))
    with index.writing() as catalog:
        picture = make_picture(folder_id, path, 1, Metadata(camera="A\0B", caption="a\0b", keywords=("c\0d",)))
        catalog.put([picture], encoder.id)
    with index.reading() as catalog:
        (record,) = catalog.newest(Filters(folder="CAF"), 0, 9) or catalog.newest(Filters(), 0, 9)
        assert record.paths == (path,)
        found = record.facts.metadata
        assert (found.camera, found.caption, found.keywords) == ("AB", "ab", ("cd",))
        assert catalog.n_matching(Filters(directory=str(path.parent))) == 1


def test_many_values_in_one_condition(index):
    with index.reading() as catalog:
        assert catalog.pictures(range(70_000)) == {}


def test_a_path_that_is_too_long_for_the_database_fails_alone(place, tmp_path, monkeypatch):
    photos = paint_photos(tmp_path / "photos", ("red", "blue"))
    monkeypatch.chdir(photos)
    for i in range(15):  # names that can't be compressed, in steps, because the system takes no path of this length
        name = random.Random(i).randbytes(110).hex()
        Path(name).mkdir()
        monkeypatch.chdir(name)
    paint(Path("lime.png"), "lime")
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        assert library.add(photos).added == 2
        assert library.info().n_pictures == 2


# Writers


class SharedIndex(Index):
    """Without the lock, so that several runs write at once, as those of a cluster do."""

    @contextmanager
    def lock(self):
        yield


def test_two_runs_that_index_the_same_pictures_at_once_store_each_once(place, tmp_path):
    for i in range(150):
        paint(tmp_path / "photos" / f"{i % 5}" / f"{i:03}.png", "red", seed=i // 2)  # half are copies
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(paint(tmp_path / "first" / "red.png", "red").parent)  # the first run chooses the encoder
    indexes = [SharedIndex.open(place), SharedIndex.open(place)]
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(update, index, ColourEncoder(), [tmp_path / "photos"]) for index in indexes]
        reports = [run.result(timeout=60) for run in runs]
    for index in indexes:
        index.close()
    assert all(report.failed == [] for report in reports)
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        info = library.info()
        assert (info.n_pictures, [folder.n_pictures for folder in info.folders]) == (76, [1, 150])
        assert counts(library.add()) == {"kept": 151}
    assert run_sql(place, "SELECT count(*) FROM vectors") == [(76,)]


def test_writers_of_the_same_rows_in_any_order_wait_for_each_other_and_lose_nothing(place, index):
    encoder, folder_id = add_encoder(index)
    made = [make_picture(folder_id, Path(f"/photos/{i % 7}/{i}"), i) for i in range(300)]

    def write(seed):
        numbers = random.Random(seed)
        with closing(Index.open(place)) as own:
            for _ in range(15):
                batch = numbers.sample(made, 40)
                moved = [replace(item, file=replace(item.file, size_bytes=numbers.randrange(9))) for item in batch]

                def put(batch=moved):
                    with own.writing() as catalog:
                        catalog.put(batch, encoder.id)

                own.retry(put)
            return {item.fingerprint for item in made}

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    with index.writing() as catalog:
        catalog.put(made, encoder.id)
    with index.snapshot() as snapshot:
        assert snapshot.catalog.n_pictures() == 300
        assert snapshot.n_rows == 900


def test_a_version_that_is_added_later_is_newer_however_long_its_transaction_took(place, index):
    encoder, folder_id = add_encoder(index)
    with closing(Index.open(place)) as other:
        with index.writing() as slow:
            slow.put([make_picture(folder_id, Path("/photos/a/slow"), 1)], encoder.id)
            with other.writing() as quick:
                quick.put([make_picture(folder_id, Path("/photos/b/quick"), 2)], encoder.id)
            with other.snapshot() as snapshot:
                assert snapshot.n_rows == 3
        with other.snapshot() as snapshot:
            assert snapshot.n_rows == 6


def test_a_lock_that_was_lost_with_its_connection_is_taken_again_unless_another_writer_has_it(postgres, place, index):
    add_encoder(index)
    end_connections = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with closing(Index.open(place)) as other:
        with index.lock():
            postgres.execute(f"{end_connections} AND application_name = 'cosmos-search'")
            with index.writing() as catalog:
                assert catalog.n_pictures() == 0
            with pytest.raises(IndexBusyError), other.lock():
                pass
            postgres.execute(f"{end_connections} AND application_name = 'cosmos-search'")
            with other.lock(), pytest.raises(IndexBusyError), index.writing():
                pass
        with other.lock():
            pass


def test_a_reader_sees_one_state_and_can_not_write(place, index):
    encoder, folder_id = add_encoder(index)
    with closing(Index.open(place)) as other, other.reading() as catalog:
        assert catalog.n_pictures() == 0
        with index.writing() as writer:
            writer.put([make_picture(folder_id, Path("/photos/a"), 1)], encoder.id)
        assert catalog.n_pictures() == 0
        with pytest.raises(CosmosSearchError, match="read-only"), other.reading() as reader:
            record_names(reader._connection, ["x"])


# Versions of the tables


def test_of_several_processes_that_create_a_catalog_at_once_one_does_and_all_use_it(postgres, place):
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with ThreadPoolExecutor(3) as pool:
        with psycopg.connect(postgres.url()) as first:
            first.execute("SELECT pg_advisory_xact_lock(%s)", [APPLICATION_ID])
            made = [pool.submit(Index.create, place) for _ in range(3)]
            while postgres.execute(waiting) != [(3,)]:
                assert not any(one.done() for one in made)
        identities = set()
        for one in made:
            with closing(one.result(timeout=60)) as index:
                identities.add(index.identity)
    assert len(identities) == 1


def test_an_older_catalog_is_migrated_once_and_a_newer_one_is_refused(place):
    open_server(place).dispose()
    step = ["ALTER TABLE settings ADD COLUMN mood TEXT", "UPDATE settings SET mood = 'good'"]
    for _ in range(2):
        open_server(place, migrations=[*SERVER_MIGRATIONS, step], create=False).dispose()
        assert run_sql(place, "SELECT mood FROM settings") == [("good",)]
    with pytest.raises(NewerIndexError, match="newer cosmos-search"):
        Index.open(place)


def test_a_database_of_another_program_is_left_alone(place):
    run_sql(place, "CREATE TABLE files (theirs integer)")
    with pytest.raises(CreateIndexError, match=r"tables of another program \(files\)"):
        Index.create(place)
    assert run_sql(place, "SELECT to_regclass('pictures') IS NULL") == [(True,)]


def test_a_database_of_another_encoding_is_refused(postgres):
    postgres.execute("CREATE DATABASE latin ENCODING LATIN1 LOCALE 'C' TEMPLATE template0")
    with pytest.raises(CreateIndexError, match="encoding is LATIN1, not UTF8"):
        Index.create(ServerPlace(postgres.url("latin")))


def test_a_catalog_that_is_dropped_is_noticed(place, tmp_path):
    photos = paint_photos(tmp_path / "photos")
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        with pytest.raises(NoIndexError):
            library.search("red")
        library.add(photos)
        paint(photos / "more.png", "orange")
        with pytest.raises(ReplacedIndexError):
            library.add(photos, on_progress=lambda report: delete_index(place))
        assert not library.exists()
        assert library.add(photos).added == 9


# The vector files in the users' caches


def test_the_first_search_of_a_user_stores_the_vectors_and_later_ones_add_to_them(place, tmp_path, monkeypatch):
    photos = paint_photos(tmp_path / "photos")
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(photos)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache of another"))

    def search():
        """The result of a process of its own, and the vector files that are there then."""
        with cosmos_search.open(place, encoder=ColourEncoder()) as library:
            found = names(library.search("red", 1))
        return found, {path.name for path in (tmp_path / "cache of another").rglob("vectors-*")}

    found, files = search()
    assert (found, bool(files)) == (["red.png"], True)
    assert search() == (["red.png"], files)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        for i in range(4):
            paint(photos / f"{i}.png", "orange", seed=i)
        library.add()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache of another"))
    found, newer = search()
    assert (found, newer != files) == (["red.png"], True)
    assert search() == (found, newer)


def test_without_a_cache_a_search_answers_too(place, tmp_path, monkeypatch):
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(paint_photos(tmp_path / "photos"))
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        assert names(library.search("red", 1)) == ["red.png"]
        assert library.info().size_bytes["vectors"] == 0
