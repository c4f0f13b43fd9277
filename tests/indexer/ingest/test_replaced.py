"""A picture whose last file has changed is gone at once: in a run that goes on, and after one that was stopped."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from indexer.pictures.metadata_record import Metadata
from indexer.pictures.walk import FoundFile
from indexer.store.index import Index
from indexer.store.records import IndexedCopy, IndexedPicture, PictureFacts
from tests.colour import paint
from tests.rows import refuse_rows, run_sql

N_FILES = 60


@pytest.fixture
def library(library_on_both):
    return library_on_both


@pytest.fixture
def photos(tmp_path):
    for i in range(N_FILES):
        paint(tmp_path / "photos" / f"{i:03}.png", "red", seed=i)
    return tmp_path / "photos"


def orphans(library):
    with_file = "SELECT picture_id FROM files WHERE picture_id IS NOT NULL"
    ((n,),) = run_sql(library.place, f"SELECT count(*) FROM pictures WHERE id NOT IN ({with_file})")
    return n


def look_everywhere(library):
    """Every way to a picture leads to one that is there."""
    found = [hit.path.name for hit in library.search("red", 200, include_unlikely=True)]
    assert len(found) == len(set(found)) <= N_FILES
    seen = library.browse(n=200)
    assert len({path for picture in seen for path in picture.paths}) <= N_FILES
    assert all(group.other_paths for group in library.near_duplicates().groups)
    assert orphans(library) == 0


def repaint(photos):
    for i in range(N_FILES):
        paint(photos / f"{i:03}.png", "lime", (20, 20), seed=1000 + i)


def spoil(photos):
    for i in range(0, N_FILES, 2):
        (photos / f"{i:03}.png").write_text("no picture")


def make_all_the_same(photos):
    for i in range(1, N_FILES):
        shutil.copy(photos / "000.png", photos / f"{i:03}.png")


def rotate(photos):
    """Each file has the content of the next: all are known."""
    contents = [(photos / f"{i:03}.png").read_bytes() for i in range(N_FILES)]
    for i in range(N_FILES):
        (photos / f"{i:03}.png").write_bytes(contents[(i + 1) % N_FILES])


CHANGES = [repaint, spoil, make_all_the_same, rotate]


@pytest.mark.parametrize("change", CHANGES)
def test_a_stopped_run_leaves_no_picture_without_a_file(library, photos, change):
    library.add(photos)
    change(photos)
    stop = Event()
    report = library.add(photos, on_progress=lambda r: stop.set() if r.n_done else None, stop=stop)
    assert report.is_stopped
    look_everywhere(library)
    library.add(photos)
    look_everywhere(library)
    assert len(library.search("red", 200, include_unlikely=True)) == library.info().n_pictures


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_seen_while_a_run_goes_on_is_there(library, photos, change):
    library.add(photos)
    change(photos)
    library.add(photos, on_progress=lambda _: look_everywhere(library))
    look_everywhere(library)


def test_threads_look_on_while_files_change(library, photos):
    library.add(photos)
    done = Event()

    def look(_):
        n = 0
        while not done.is_set() or n == 0:
            look_everywhere(library)
            n += 1
        return n

    with ThreadPoolExecutor(3) as pool:
        looks = pool.map(look, range(3))
        try:
            for change in (repaint, make_all_the_same, spoil, repaint, rotate):
                change(photos)
                library.add(photos)
        finally:
            done.set()
        assert all(n > 0 for n in looks)


def test_a_content_that_changed_places_in_one_run_is_found_at_its_new_place(library, photos):
    content = (photos / "000.png").read_bytes()
    library.add(photos)
    repaint(photos)
    (photos / "zzz.png").write_bytes(content)  # in the last batch, when its picture was dropped in the first
    report = library.add(photos)
    assert (report.updated, report.added, report.failed) == (N_FILES, 1, [])
    assert library.search("red", 1)[0].path.name == "zzz.png"


def test_a_copy_that_is_written_alone_after_a_refused_row_is_read_anew(library, photos):
    """The file before it in the batch was the last to show its content."""
    content = (photos / "000.png").read_bytes()
    library.add(photos)
    shutil.copy(photos / "001.png", photos / "000.png")
    (photos / "0000.png").write_bytes((photos / "002.png").read_bytes())
    (photos / "0001.png").write_bytes(content)
    refuse_rows(library.place, "files", "NEW.failure IS NULL AND NEW.name = CAST('0000.png' AS BLOB)")
    report = library.add(photos)
    assert [failed.path.name for failed in report.failed] == ["0000.png"]
    assert library.info().n_pictures == N_FILES
    look_everywhere_names = {path.name for picture in library.browse(n=200) for path in picture.paths}
    assert "0001.png" in look_everywhere_names


def test_orphans_of_an_older_index_are_never_shown_and_dropped_by_the_next_run(library, photos):
    library.add(photos)
    run_sql(library.place, "DELETE FROM files WHERE id % 2 = 1")
    assert len(library.search("red", 200, include_unlikely=True)) == N_FILES // 2
    assert len(library.browse(n=200)) == N_FILES // 2
    library.near_duplicates()
    stop = Event()
    stop.set()
    library.add(photos, stop=stop)
    assert orphans(library) == 0


def test_only_the_pictures_of_the_files_that_are_written_are_looked_at(tmp_path, place):
    """A batch costs no more in a large index: an orphan elsewhere is not found by it."""
    index = Index.create(place)

    def item(name, content, *, is_new=True):
        file = FoundFile(tmp_path / name, 1, 1, 1)
        if not is_new:
            return IndexedCopy(folder_id, file, content)
        return IndexedPicture(folder_id, file, content, PictureFacts(8, 8, Metadata()), np.zeros((1, 4), "<f2"))

    with index.writing() as catalog:
        encoder = catalog.add_encoder("made", "1", 4, "none")
        folder_id = catalog.add_folder(tmp_path)
        catalog.put([item("a", b"A"), item("b", b"B"), item("c", b"C")], encoder.id)
    with index.writing() as catalog:
        catalog.put([item("a", b"B", is_new=False), item("b", b"A", is_new=False)], encoder.id)
        assert catalog.n_pictures() == 3
        catalog.put([item("a", b"C", is_new=False)], encoder.id)
        assert catalog.n_pictures() == 2
        catalog.put([item("c", b"D"), item("a", b"D")], encoder.id)
        assert catalog.n_pictures() == 2
    index.close()
