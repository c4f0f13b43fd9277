"""Shares of a server's catalog follow its changes, in whatever order they were committed, and after every crash."""

import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest

import cosmos_search
from indexer.pictures.metadata_record import Metadata
from indexer.pictures.regions import Box
from indexer.pictures.walk import FoundFile
from indexer.store.change_log import drop_old_changes, newest_position, read_changes
from indexer.store.errors import IndexBusyError
from indexer.store.filter_record import Filters
from indexer.store.index import Index
from indexer.store.records import IndexedPicture, PictureFacts, TextLine
from indexer.store.replica import Replica, Share
from tests import ROOT
from tests.colour import ColourEncoder, paint, paint_photos
from tests.older_catalogs import make_older
from tests.rows import run_sql

FILES = (
    "SELECT f.id, directory, name, coalesce(position_ms, -1), fingerprint "
    "FROM files f JOIN pictures p ON p.id = picture_id"
)
VECTORS = "SELECT picture_id, data FROM vectors"
TEXTS = "SELECT picture_id, kind, text, folded, words, box FROM texts"
N_SHARDS = 2


@pytest.fixture
def library(server_place, tmp_path):
    with cosmos_search.open(server_place, encoder=ColourEncoder()) as library:
        library.add(paint_photos(tmp_path / "photos"))
        yield library


@pytest.fixture
def source(library):
    index = Index.open(library.place)
    yield index
    index.close()


def catch_up(replica):
    while replica.advance():
        pass


def follow(source, folder):
    """Bring the shares in this folder up to date."""
    for number in range(N_SHARDS):
        replica = Replica(source, folder / str(number), Share(number, N_SHARDS))
        with replica.lock():
            catch_up(replica)
            assert replica.is_complete


def rows_of(place, query):
    return [[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in run_sql(place, query)]


def check_equal(source, folder):
    """The shares together have the pictures, vectors, files and texts of the source; each its own."""
    for query in (FILES, VECTORS, TEXTS):
        parts = [rows_of(folder / str(number), query) for number in range(N_SHARDS)]
        assert sorted(row for part in parts for row in part) == sorted(rows_of(source.place, query))
    for number in range(N_SHARDS):
        assert {row[0] % N_SHARDS for row in rows_of(folder / str(number), VECTORS)} <= {number}


def test_shares_follow_new_changed_copied_moved_and_removed_pictures(library, source, tmp_path):
    photos, shares = tmp_path / "photos", tmp_path / "shares"
    follow(source, shares)
    check_equal(source, shares)
    assert len(rows_of(source.place, VECTORS)) == 8

    def change():
        yield paint(photos / "more" / "new.png", "orange")
        yield paint(photos / "red.png", "pink")  # another picture, the old one is deleted
        yield (photos / "copy.png").write_bytes((photos / "lime.png").read_bytes())
        yield (photos / "lime.png").rename(photos / "more" / "moved.png")
        yield (photos / "blue.png").unlink()
        yield (photos / "copy.png").unlink()

    for _ in change():
        library.add(photos, forget_missing=True)
        follow(source, shares)
        check_equal(source, shares)
    library.add(photos.parent)  # the names of folders in the texts begin there
    follow(source, shares)
    check_equal(source, shares)
    library.remove(photos.parent)
    follow(source, shares)
    assert rows_of(shares / "0", FILES) == rows_of(shares / "1", VECTORS) == []


def test_changes_of_a_file_that_copies_do_not_have_are_not_in_the_log(library, source):
    with source.reading() as catalog:
        before = newest_position(catalog.connection)
    with source.writing() as writer:
        writer.set_device([1, 2], 77)
    with source.reading() as catalog:
        assert all(read_changes(catalog.connection, before, n, 2) in (None, (newest_position(catalog.connection), []))
                   for n in (0, 1))  # fmt: skip


def test_changes_are_numbered_in_the_order_of_their_commits(library, source):
    """The first transaction gets its rows earlier and its number later."""
    position = "SELECT max(id) FROM changes"
    ((before,),) = run_sql(source.place, position)
    with source._writer.connect() as first, source._writer.connect() as second:
        for connection in (first, second):
            connection.exec_driver_sql("UPDATE files SET name = name || '\\x31'::bytea WHERE id = " +
                                       ("1" if connection is first else "2"))  # fmt: skip
        second.commit()
        assert run_sql(source.place, position) == [(before + 1,)]
        first.commit()
    rows = run_sql(source.place, f"SELECT batch FROM changes WHERE id > {before} ORDER BY id")
    assert rows == sorted(rows, reverse=True)
    assert len(rows) == 2


def test_a_rebuild_makes_the_shares_start_again(library, source, tmp_path):
    photos, shares = tmp_path / "photos", tmp_path / "shares"
    follow(source, shares)
    with cosmos_search.open(source.place, encoder=ColourEncoder(version="2")) as other:
        other.add(photos, rebuild=True, regions="fast")
    follow(source, shares)
    check_equal(source, shares)
    with Index.open(shares / "0").reading() as catalog:
        assert catalog.encoder().version == "2"


def test_a_share_starts_again_if_its_position_is_not_in_the_log(library, source, tmp_path):
    shares = tmp_path / "shares"
    follow(source, shares)
    run_sql(source.place, "UPDATE changes SET mark = mark + 1")  # as in a catalog that was restored from a backup
    (tmp_path / "photos" / "red.png").unlink()
    library.add(forget_missing=True)
    follow(source, shares)
    check_equal(source, shares)


def test_a_directory_of_another_share_or_damaged_is_made_again(library, source, tmp_path):
    shares = tmp_path / "shares"
    follow(source, shares)
    (shares / "0").rename(shares / "2")
    (shares / "1").rename(shares / "0")
    (shares / "2").rename(shares / "1")
    follow(source, shares)
    check_equal(source, shares)


def test_a_share_of_an_earlier_version_gets_the_texts_of_the_source(library, source, tmp_path):
    shares = tmp_path / "shares"
    with source.writing() as writer:
        writer.put_lines("reader 1", {1: [TextLine("picture", "EXIT 12", Box(0.1, 0.2, 0.5, 0.3), 0.9)]})
    follow(source, shares)
    check_equal(source, shares)
    for number in range(N_SHARDS):
        run_sql(shares / str(number), "UPDATE following SET catalog = substr(catalog, 1, length(catalog) - 2)")
        make_older(shares / str(number) / "catalog.db", 6)
    follow(source, shares)
    check_equal(source, shares)


def test_only_one_process_follows_in_a_directory(library, source, tmp_path):
    replica = Replica(source, tmp_path / "share", Share(0, 1))
    with (
        replica.lock(),
        pytest.raises(IndexBusyError),
        Replica(source, tmp_path / "share", Share(0, 1)).lock(),
    ):
        pass


def test_old_changes_are_dropped_with_their_pictures(library, source):
    with source.writing() as writer:
        drop_old_changes(writer.connection, 1)
    assert len(run_sql(source.place, "SELECT * FROM changes WHERE id IS NOT NULL")) == 1
    assert len(run_sql(source.place, "SELECT DISTINCT batch FROM touched")) <= 1


FOLLOW = """
import sys
from pathlib import Path
from indexer.places import ServerPlace
from indexer.store.index import Index
from indexer.store import replica
replica.AT_ONCE = 1
one = replica.Replica(Index.open(ServerPlace(sys.argv[1])), Path(sys.argv[2]), replica.Share(0, 1))
with one.lock():
    while one.advance():
        print("batch", flush=True)
"""


@pytest.mark.parametrize("n_batches", [1, 4, 7])
def test_a_follower_that_is_killed_goes_on_where_it_was(library, source, tmp_path, n_batches):
    command = [sys.executable, "-c", FOLLOW, source.place.url, str(tmp_path / "share")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        for _ in range(n_batches):
            process.stdout.readline()
        process.kill()
    paint(tmp_path / "photos" / "new.png", "orange")
    library.add()
    replica = Replica(source, tmp_path / "share", Share(0, 1))
    with replica.lock():
        catch_up(replica)
        with replica.index.snapshot() as snapshot:
            assert len(snapshot.vectors.rows) == 2  # the saved ones, and the new picture
            assert snapshot.n_rows == 15 * len(rows_of(source.place, VECTORS)) == 15 * 9
    assert rows_of(tmp_path / "share", VECTORS) == sorted(rows_of(source.place, VECTORS))


def test_shares_have_the_frames_of_videos_with_their_positions(library, source, tmp_path):
    """The frames of a video are in several shares."""
    shares, video = tmp_path / "shares", FoundFile(tmp_path / "photos" / "beach.mp4", 1, 1, 1)
    follow(source, shares)
    facts = PictureFacts(16, 16, Metadata())
    for n_frames in (5, 2):
        with source.writing() as writer:
            frames = [
                IndexedPicture(1, video, b"%d" % i, facts, np.full((15, 4), 0.5, "<f2"), 1000 * i)
                for i in range(n_frames)
            ]
            writer.put(frames, writer.encoder().id)
        follow(source, shares)
        check_equal(source, shares)
        positions = [row[3] for number in range(N_SHARDS) for row in rows_of(shares / str(number), FILES)]
        assert sorted(positions) == [-1] * 8 + [1000 * i for i in range(n_frames)]
    for number in range(N_SHARDS):
        with closing(Index.open(shares / str(number))) as index, index.reading() as catalog:
            found = catalog.newest(Filters(directory=str(tmp_path / "photos")), 0, 9)
            assert {one.position_ms for one in found if one.paths == (video.path,)} in ({0}, {1000})
