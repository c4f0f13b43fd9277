"""A file with several pictures at positions in it: a video, whose frames a later version reads."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from PIL import ImageColor

import cosmos_search
from cosmos_search.client.wire import parse_picture
from indexer.pictures.metadata_record import Metadata
from indexer.pictures.regions import whole_and_regions
from indexer.pictures.walk import walk
from indexer.store.database import open_database
from indexer.store.filter_record import Filters
from indexer.store.index import Index
from indexer.store.moved_files import find_last_files, find_moved_files
from indexer.store.records import IndexedCopy, IndexedFailure, IndexedPicture, PictureFacts
from tests import ROOT
from tests.colour import ColourEncoder, paint
from tests.older_catalogs import make_older, make_older_on_server
from tests.rows import run_sql

COLOURS = ("red", "lime", "blue")
STEP_MS = 1500
ROWS = "SELECT id, position_ms, picture_id FROM files ORDER BY id"
ENCODER = ColourEncoder()


@pytest.fixture
def photos(tmp_path):
    """A folder with a still image, and a file that stands for a video."""
    paint(tmp_path / "photos" / "still.png", "yellow")
    paint(tmp_path / "photos" / "videos" / "beach.png", "white")
    return tmp_path / "photos"


@pytest.fixture
def library(place, photos):
    """An index of the folder, in which the video has three frames."""
    with cosmos_search.open(place, encoder=ENCODER) as library:
        library.add(photos)
        put(library, *make_video(photos / "videos" / "beach.png"))
        yield library


def find_file(path):
    (found,) = (file for directory in walk(path.parents[1]) for file in directory.files if file.path == path)
    return found


def make_frame(path, colour, position_ms, folder_id=1):
    n_vectors = len(whole_and_regions("fast", 16, 16))
    (vector,) = ENCODER.encode_images([np.array([ImageColor.getrgb(colour)])])
    vectors = np.repeat(vector, n_vectors, axis=0).astype("<f2")
    fingerprint = f"{colour} {position_ms}".encode()
    facts = PictureFacts(16, 16, Metadata())
    return IndexedPicture(folder_id, find_file(path), fingerprint, facts, vectors, position_ms)


def make_video(path, colours=COLOURS):
    return [make_frame(path, colour, STEP_MS * i) for i, colour in enumerate(colours)]


def make_copies(frames, path):
    return [IndexedCopy(one.folder_id, find_file(path), one.fingerprint, one.position_ms) for one in frames]


def put(library, *indexed):
    with library._opened.open().writing() as catalog:
        catalog.put(indexed, catalog.encoder().id)
        catalog.add_version()


def read(library, query):
    with library._opened.open().reading() as catalog:
        return query(catalog)


def frames_of(library, path):
    """The positions of a file's pictures."""
    found = [one.position_ms for one in library.browse(n=99) if path in one.paths]
    return sorted(found, key=lambda position_ms: position_ms or 0)


def known(library, path):
    return read(library, lambda catalog: catalog.files_in(path.parent, catalog.encoder().id)).get(path)


def test_each_picture_of_a_video_is_found_with_its_path_and_position(library, photos):
    video = photos / "videos" / "beach.png"
    for i, colour in enumerate(COLOURS):
        hit = library.search(colour, 1)[0]
        assert (hit.path, hit.picture.position_ms) == (video, STEP_MS * i)
        assert hit.to_dict()["position_ms"] == hit.picture.to_dict()["position_ms"] == STEP_MS * i
        assert parse_picture(hit.picture.to_dict()) == hit.picture
    still = library.search("yellow", 1)[0]
    assert (still.path, still.picture.position_ms) == (photos / "still.png", None)
    assert "position_ms" not in still.to_dict() | still.picture.to_dict()
    assert frames_of(library, video) == [0, STEP_MS, 2 * STEP_MS]


def test_filters_texts_facets_and_albums_see_every_picture_of_a_video(library, photos):
    frames = (Filters(folder="videos"), Filters(directory=str(photos / "videos")), Filters(texts=("beach",)))
    assert [library.n_matching(filters) for filters in frames] == [3, 3, 3]
    assert len(library.search("blue", 9, filters=frames[0], include_unlikely=True)) == 3
    words = read(library, lambda catalog: catalog.find_word("beach", 9))
    assert len(words.ids["file"]) == 3
    directories = {count.value: count.n for count in library.facets().directories}
    assert directories == {str(photos): 4, str(photos / "videos"): 3}
    with library._opened.open().writing() as catalog:
        album_id = catalog.add_album("sea")
        catalog.add_to_album(album_id, [library.search("lime", 1)[0].picture.id])
    assert [one.position_ms for one in library.browse(Filters(album=album_id))] == [STEP_MS]


def test_similar_frames_are_not_offered_as_duplicates_of_which_files_can_be_deleted(library, photos):
    put(library, *make_video(photos / "videos" / "beach.png", ("red", "red", "red")))
    assert len(library.browse(Filters(folder="videos"))) == 3
    assert not library.near_duplicates().groups


def test_a_video_counts_as_one_file(library, photos):
    info = library.info()
    assert info.n_pictures == 4
    (folder,) = info.folders
    assert (folder.n_pictures, folder.n_failed) == (2, 0)
    assert read(library, lambda catalog: catalog.count_files_after(0)) == 2
    assert read(library, lambda catalog: [len(one.file_ids) for one in catalog.directories(folder.id)]) == [1, 1]
    assert library.remove(photos) == 2
    assert run_sql(library.place, ROWS) == []


def test_an_unchanged_video_is_kept_and_a_vanished_one_is_forgotten_with_all_pictures(library, photos):
    video = photos / "videos" / "beach.png"
    report = library.add(photos)
    assert (report.kept, report.added, report.updated, report.removed) == (2, 0, 0, 0)
    assert len(frames_of(library, video)) == 3
    video.unlink()
    report = library.add(photos, forget_missing=True)
    assert (report.removed, library.info().n_pictures) == (1, 1)
    assert len(run_sql(library.place, ROWS)) == 1
    assert library.n_matching(Filters(texts=("beach",))) == 0


def test_a_changed_video_loses_the_pictures_it_no_longer_has(library, photos):
    video = photos / "videos" / "beach.png"
    id_ = known(library, video).id
    put(library, *make_video(video, ("red", "black")))
    assert frames_of(library, video) == [0, STEP_MS]
    assert library.info().n_pictures == 3
    put(library, replace(make_frame(video, "black", 0), position_ms=None))  # a still image
    assert frames_of(library, video) == [None]
    put(library, *make_video(video))
    assert frames_of(library, video) == [0, STEP_MS, 2 * STEP_MS]
    assert known(library, video).id == id_
    assert library.info().n_pictures == 4
    assert [len(read(library, lambda catalog: catalog.find_word("beach", 9)).ids["file"])] == [3]


def test_a_file_changed_on_the_disk_loses_all_its_frames(library, photos):
    video = paint(photos / "videos" / "beach.png", "cyan", seed=1)
    assert library.add(photos).updated == 1
    assert frames_of(library, video) == [None]
    assert library.info().n_pictures == 2


def test_a_video_fails_as_a_whole(library, photos):
    video = photos / "videos" / "beach.png"
    put(library, IndexedFailure(1, find_file(video), "can't be decoded", None))
    (folder,) = library.info().folders
    assert (folder.n_pictures, folder.n_failed) == (1, 1)
    assert [(one.path, one.reason) for one in read(library, lambda catalog: catalog.failures())] == [
        (video, "can't be decoded")
    ]
    assert frames_of(library, video) == []
    put(library, *make_video(video))
    assert read(library, lambda catalog: catalog.failures()) == []
    assert len(frames_of(library, video)) == 3


def test_a_copy_of_a_video_shares_its_pictures(library, photos):
    video, copy = photos / "videos" / "beach.png", photos / "videos" / "copy.png"
    copy.write_bytes(video.read_bytes())
    put(library, *make_copies(make_video(video), copy))
    assert library.info().n_pictures == 4
    assert library.search("lime", 1)[0].picture.paths == (video, copy)
    assert frames_of(library, copy) == [0, STEP_MS, 2 * STEP_MS]
    with library._opened.open().writing() as catalog:
        ids = [file.id for file in catalog.files_in(video.parent, 1).values()]
        assert find_last_files(catalog.connection, ids) == set(ids)
        assert find_last_files(catalog.connection, ids[:1]) == set()
        catalog.delete_files(ids[:1])
    assert library.info().n_pictures == 4
    assert library.search("lime", 1)[0].picture.paths in ((video,), (copy,))


def test_a_moved_video_keeps_its_pictures(library, photos):
    video, new = photos / "videos" / "beach.png", photos / "videos" / "new.png"
    ids = [row[2] for row in run_sql(library.place, ROWS) if row[1] is not None]
    frames = make_video(video)
    old = known(library, video).id
    last = read(library, lambda catalog: catalog.last_file_id())
    video.rename(new)
    put(library, *make_copies(frames[:2], new))
    with library._opened.open().writing() as catalog:
        assert find_moved_files(catalog.connection, [old], last) == set()  # one picture is elsewhere no more
        assert find_last_files(catalog.connection, [old]) == {old}
    put(library, *make_copies(frames, new))
    with library._opened.open().writing() as catalog:
        assert find_moved_files(catalog.connection, [old], last) == {old}
        assert find_last_files(catalog.connection, [old]) == set()
        catalog.delete_files([old])
    assert [row[1:] for row in run_sql(library.place, ROWS)[1:]] == [
        (STEP_MS * i, picture_id) for i, picture_id in enumerate(ids)
    ]
    assert frames_of(library, new) == [0, STEP_MS, 2 * STEP_MS]


def test_only_as_many_videos_moved_as_were_added(library, photos):
    video, copy, new = (photos / "videos" / f"{name}.png" for name in ("beach", "copy", "new"))
    frames = make_video(video)
    copy.write_bytes(video.read_bytes())
    put(library, *make_copies(frames, copy))
    last = read(library, lambda catalog: catalog.last_file_id())
    copy.rename(new)
    put(library, *make_copies(frames, new))
    with library._opened.open().writing() as catalog:
        vanished = [known(library, path).id for path in (video, copy)]
        assert len(find_moved_files(catalog.connection, vanished, last)) == 1


def test_the_device_is_recorded_in_all_rows_of_a_video(library, photos):
    with library._opened.open().writing() as catalog:
        catalog.set_device([catalog.files_in(photos / "videos", 1)[photos / "videos" / "beach.png"].id], 77, "7 5")
    assert run_sql(library.place, "SELECT device, inodes, count(*) FROM files WHERE device = 77 GROUP BY 1, 2") == [
        (77, "7 5", 3)
    ]


def test_the_first_frame_is_always_written(library, photos):
    with pytest.raises(AssertionError, match=r"beach\.png"):
        put(library, make_frame(photos / "videos" / "beach.png", "black", 500))


# migrations

TABLE = "PRAGMA table_info(files)"
INDEXES = "SELECT name, replace(sql, char(10), '') FROM sqlite_master WHERE tbl_name = 'files' AND type = 'index'"
VALUES = "SELECT id, folder_id, directory, name, size_bytes, mtime_ns, ctime_ns, picture_id, device, inodes FROM files"
MIGRATE_AND_DIE = """
import os, sys
from pathlib import Path
from indexer.store.database import open_database
from indexer.store.migrations import MIGRATIONS
n_steps = int(sys.argv[2])
open_database(Path(sys.argv[1]), [*MIGRATIONS[:-1], [*MIGRATIONS[-1][:n_steps], lambda _: os._exit(9)]])
"""


def read_files(path):
    with closing(sqlite3.connect(path)) as connection:
        return [sorted(connection.execute(query).fetchall()) for query in (TABLE, INDEXES, VALUES)]


@pytest.fixture
def catalog(tmp_path, photos):
    """The database of an index with two still images."""
    with cosmos_search.open(tmp_path / "index", encoder=ENCODER) as library:
        library.add(photos)
    return tmp_path / "index" / "catalog.db"


def test_an_older_catalog_becomes_equal_to_a_new_one(catalog):
    before = read_files(catalog)
    make_older(catalog, 7)
    assert read_files(catalog)[:2] != before[:2]
    open_database(catalog).dispose()
    assert read_files(catalog) == before
    with closing(sqlite3.connect(catalog)) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO files SELECT id + 9, folder_id, directory, name, 0, 0, 0, NULL, NULL, NULL, "
                           "NULL, NULL, NULL FROM files")  # fmt: skip


@pytest.mark.parametrize("n_steps", [1, 3, 8])
def test_a_migration_that_is_killed_is_done_by_the_next_run(catalog, n_steps):
    before = read_files(catalog)
    make_older(catalog, 7)
    older = read_files(catalog)
    command = [sys.executable, "-c", MIGRATE_AND_DIE, str(catalog), str(n_steps)]
    assert subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False).returncode == 9
    assert read_files(catalog) == older
    open_database(catalog).dispose()
    assert read_files(catalog) == before


def test_an_older_catalog_on_a_server_becomes_equal_to_a_new_one(server_place, photos):
    columns = (
        "SELECT column_name, data_type, is_nullable FROM information_schema.columns "
        "WHERE table_name = 'files' AND table_schema = current_schema() ORDER BY ordinal_position"
    )
    indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'files' AND schemaname = current_schema()"

    def look():
        return run_sql(server_place, columns), *(sorted(run_sql(server_place, query)) for query in (indexes, VALUES))

    with cosmos_search.open(server_place, encoder=ENCODER) as library:
        library.add(photos)
    before = look()
    make_older_on_server(server_place, 4)
    assert look()[:2] != before[:2]
    with closing(Index.open(server_place)) as index, index.reading() as catalog:
        assert len(catalog.files_in(photos, 1)) == 1
    assert look() == before
