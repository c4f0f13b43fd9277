import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from threading import Event

import pytest

import cosmos_search
from cosmos_search.cli.advice import add_advice
from indexer.cores import available_cores
from indexer.errors import CosmosSearchError
from indexer.ingest.update import update
from indexer.store.errors import IndexBusyError, NoIndexError
from indexer.store.index import Index
from tests.colour import COLOURS, ColourEncoder, paint, paint_photos
from tests.results import counts, names
from tests.rights import needs_refusals
from tests.rows import run_sql


@pytest.fixture
def photos(tmp_path):
    return paint_photos(tmp_path / "photos")


@pytest.fixture
def library(tmp_path, place):
    with cosmos_search.open(place, encoder=ColourEncoder(log=tmp_path / "log")) as library:
        yield library


def test_every_picture_is_found_by_its_colour(library, photos):
    assert counts(library.add(photos)) == {"added": 8}
    for colour in COLOURS[:3]:
        hit, *_ = library.search(colour, top=3)
        assert (hit.rank, hit.path) == (1, photos / f"{colour}.png")


def test_a_second_run_reads_nothing_again(library, photos, tmp_path):
    library.add(photos)
    (tmp_path / "log").unlink()
    assert counts(library.add(photos)) == {"kept": 8}
    assert not (tmp_path / "log").exists()


def test_a_moved_picture_keeps_its_vectors(library, photos, tmp_path):
    library.add(photos)
    (tmp_path / "log").unlink()
    (photos / "deep" / "down").mkdir(parents=True)
    (photos / "red.png").rename(photos / "deep" / "down" / "rouge.png")
    assert counts(library.add(photos)) == {"moved": 1, "kept": 7}
    assert not (tmp_path / "log").exists()
    assert names(library.search("red", 1)) == ["rouge.png"]


def test_a_changed_picture_is_done_anew(library, photos):
    library.add(photos)
    paint(photos / "red.png", "blue", size=(40, 40))
    assert counts(library.add(photos)) == {"updated": 1, "kept": 7}
    assert library.info().n_pictures == 8
    assert names(library.search("red", 1)) != ["red.png"]


def test_a_touched_picture_is_read_but_not_embedded_again(library, photos, tmp_path):
    library.add(photos)
    (tmp_path / "log").unlink()
    os.utime(photos / "red.png", ns=(1, 1))
    assert counts(library.add(photos)) == {"kept": 8}
    assert not (tmp_path / "log").exists()


def test_a_vanished_picture_is_found_no_more(library, photos):
    library.add(photos)
    (photos / "red.png").unlink()
    assert counts(library.add(photos)) == {"removed": 1, "kept": 7}
    assert "red.png" not in names(library.search("red", 8))
    assert library.info().n_pictures == 7


def test_a_vanished_directory_takes_its_pictures_along(library, photos):
    paint(photos / "a" / "b" / "grey.png", "grey")
    library.add(photos)
    shutil.rmtree(photos / "a")
    assert counts(library.add(photos)) == {"removed": 1, "kept": 8}


def test_copies_are_embedded_once_and_shown_as_one_hit(library, photos, tmp_path):
    for i in range(20):
        shutil.copy(photos / "red.png", photos / f"red{i:02}.png")
    assert counts(library.add(photos)) == {"added": 28}
    assert sum(map(int, (tmp_path / "log").read_text().split())) == 8
    hit = library.search("red", 1)[0]
    assert (hit.path.name, len(hit.copies)) == ("red.png", 20)
    hit.path.unlink()
    assert counts(library.add(photos)) == {"removed": 1, "kept": 27}
    assert names(library.search("red", 1)) == ["red00.png"]


def test_removing_a_folder_counts_the_pictures_that_were_indexed_and_not_the_files_that_failed(library, photos):
    (photos / "broken.jpg").write_bytes(b"not a picture")
    report = library.add(photos)
    assert (report.added, len(report.failed)) == (8, 1)
    assert library.remove(photos) == 8


def test_folders_add_up_and_are_forgotten_one_by_one(library, photos, tmp_path):
    more = paint(tmp_path / "more" / "orange.png", "orange").parent
    library.add(photos, more)
    assert [f.path for f in library.info().folders] == [more, photos]
    assert library.remove(photos) == 8
    assert names(library.search("red", 5)) == ["orange.png"]
    assert (photos / "red.png").exists()
    with pytest.raises(CosmosSearchError, match="not an indexed folder"):
        library.remove(photos)


def test_without_folders_all_that_are_indexed_are_looked_at(library, photos, tmp_path):
    more = paint(tmp_path / "more" / "orange.png", "orange").parent
    library.add(photos, more)
    paint(more / "pink.png", "pink")
    assert counts(library.add()) == {"added": 1, "kept": 9}


def test_a_folder_inside_an_indexed_one_is_part_of_it(library, photos):
    inner = paint(photos / "inner" / "orange.png", "orange").parent
    assert counts(library.add(inner)) == {"added": 1}
    assert counts(library.add(photos)) == {"added": 8, "kept": 1}
    assert [f.path for f in library.info().folders] == [photos]
    assert counts(library.add(inner)) == {"kept": 1}
    (inner / "orange.png").unlink()
    paint(inner / "pink.png", "pink")
    assert counts(library.add(inner)) == {"added": 1, "removed": 1}
    assert library.info().n_pictures == 9


def test_an_empty_folder_is_taken_for_an_unmounted_disk(library, photos, tmp_path):
    library.add(photos)
    photos.rename(tmp_path / "elsewhere")
    photos.mkdir()
    report = library.add(photos)
    assert counts(report) == {}
    assert "cosmos-search remove" in add_advice(report.warnings[0])
    assert len(library.search("red", 8)) == 8
    photos.rmdir()
    assert "is not there" in str(library.add().warnings[0])
    assert len(library.search("red", 8)) == 8


def test_bad_files_are_named_and_the_run_goes_on(library, photos):
    good = (photos / "red.png").read_bytes()
    (photos / "zero.jpg").touch()
    (photos / "text.jpg").write_text("hello")
    (photos / "cut.png").write_bytes(good[: len(good) // 2])
    (photos / "cut-copy.png").write_bytes(good[: len(good) // 2])
    report = library.add(photos)
    assert counts(report) == {"added": 8, "failed": 4}
    reasons = {f.path.name: f.reason for f in report.failed}
    assert reasons.keys() == {"zero.jpg", "text.jpg", "cut.png", "cut-copy.png"}
    assert all(reasons.values())
    assert {f.path.name: f.reason for f in library.info().failed} == reasons


def test_a_bad_file_is_tried_again_only_when_it_changes(library, photos):
    (photos / "text.jpg").write_text("hello")
    library.add(photos)
    report = library.add(photos)
    assert (counts(report), report.failed_before) == ({"kept": 8}, 1)
    shutil.copy(photos / "red.png", photos / "text.jpg")
    assert counts(library.add(photos)) == {"updated": 1, "kept": 8}
    assert library.info().failed == []


def test_a_lifted_limit_tries_large_pictures_again(library, photos):
    paint(photos / "large.png", "orange", size=(200, 200))
    report = library.add(photos, max_pixels=10_000)
    assert counts(report) == {"added": 8, "failed": 1}
    assert counts(library.add(photos)) == {"updated": 1, "kept": 8}


def test_a_picture_gone_bad_is_not_found_by_its_old_self(library, photos):
    library.add(photos)
    (photos / "red.png").write_text("no more")
    assert counts(library.add(photos)) == {"kept": 7, "failed": 1}
    assert "red.png" not in names(library.search("red", 8))


@needs_refusals
def test_what_may_not_be_read_stays_in_the_index(library, photos):
    inner = paint(photos / "inner" / "orange.png", "orange").parent
    library.add(photos)
    inner.chmod(0)
    try:
        report = library.add(photos)
        assert counts(report) == {"kept": 8, "failed": 1}
        assert "orange.png" in names(library.search("orange", 9))
    finally:
        inner.chmod(0o755)


def test_names_in_any_encoding_survive(library, photos):
    odd = [b"with space.png", b"new\nline.png", b"quo\"te'.png", "ünï 写真.png".encode(), b"\xff\xfe latin.png"]
    for i, name in enumerate(odd):
        paint(photos / "plain.png", "orange", seed=100 + i).rename(photos / os.fsdecode(name))
    assert counts(library.add(photos)) == {"added": 13}
    found = {os.fsencode(hit.path.name) for hit in library.search("orange", 5)}
    assert found == set(odd)
    assert counts(library.add(photos)) == {"kept": 13}


def test_another_encoder_is_refused_until_a_rebuild(library, photos, place):
    library.add(photos)
    with cosmos_search.open(place, encoder=ColourEncoder("tint")) as other:
        with pytest.raises(CosmosSearchError, match="made with colour") as caught:
            other.add(photos)
        assert "--model tint --rebuild" in add_advice(caught.value)
        with pytest.raises(CosmosSearchError, match="made with colour"):
            other.search("red")
        assert counts(other.add(rebuild=True)) == {"updated": 8}
        assert names(other.search("red", 1)) == ["red.png"]
        assert other.info().encoder.name == "tint"
    with pytest.raises(CosmosSearchError, match="made with tint"):
        library.search("red")


def test_the_old_vectors_serve_until_a_rebuild_is_complete(library, photos, tmp_path, place):
    for i in range(30):
        paint(photos / f"more{i}.png", "orange", seed=100 + i)
    library.add(photos)
    stop = Event()

    def stop_at_once(report):
        if report.updated:
            stop.set()
            assert names(library.search("red", 1)) == ["red.png"]

    with cosmos_search.open(place, encoder=ColourEncoder("tint", log=tmp_path / "tint")) as other:
        report = other.add(rebuild=True, on_progress=stop_at_once, stop=stop)
        assert report.is_stopped
        assert 0 < report.updated < 38
        assert names(library.search("red", 1)) == ["red.png"]
        assert library.info().encoder.name == "colour"
        assert counts(other.add(rebuild=True)) == {"updated": 38 - report.updated, "kept": report.updated}
        assert names(other.search("red", 1)) == ["red.png"]


def test_a_stopped_run_keeps_what_is_done_and_removes_nothing(library, photos):
    library.add(photos)
    (photos / "red.png").unlink()
    for i in range(60):
        paint(photos / f"more{i}.png", "orange", seed=100 + i)
    stop = Event()
    report = library.add(photos, on_progress=lambda r: stop.set() if r.added else None, stop=stop)
    assert report.is_stopped
    assert 0 < report.added < 60
    assert library.info().n_pictures == 8 + report.added
    assert counts(library.add(photos)) == {"added": 60 - report.added, "kept": 7 + report.added, "removed": 1}


def test_a_second_writer_is_refused_and_a_search_goes_on(library, photos, place):
    library.add(photos)
    paint(photos / "orange.png", "orange")

    def meanwhile(report):
        with cosmos_search.open(place, encoder=ColourEncoder()) as other:
            with pytest.raises(IndexBusyError, match="Another process is writing"):
                other.add(photos)
            with pytest.raises(IndexBusyError):
                other.remove(photos)
            assert names(other.search("red", 1)) == ["red.png"]

    assert counts(library.add(photos, on_progress=meanwhile)) == {"added": 1, "kept": 8}


@pytest.mark.parametrize("damage", [None, b"garbage"])
def test_the_faiss_file_can_be_lost_at_any_time(library, photos, tmp_path, place, damage):
    library.add(photos)
    library.close()
    for path in list((place if isinstance(place, Path) else tmp_path / "cache").rglob("vectors-*")):
        path.unlink()
        if damage is not None:
            path.write_bytes(damage)
    assert names(library.search("red", 1)) == ["red.png"]


def test_an_open_library_sees_what_another_process_wrote(library, photos, place):
    library.add(photos)
    assert len(library.search("red", 20)) == 8
    with cosmos_search.open(place, encoder=ColourEncoder()) as other:
        paint(photos / "orange.png", "orange")
        (photos / "red.png").unlink()
        other.add(photos)
    assert set(names(library.search("orange", 20))) == {"orange.png"} | {f"{c}.png" for c in COLOURS[1:]}


def contents(place) -> set[tuple[bytes, ...]]:
    if isinstance(place, Path):
        assert run_sql(place, "PRAGMA integrity_check") == [("ok",)]
        assert run_sql(place, "PRAGMA foreign_key_check") == []
        for table in ("text_parts", "text_words"):
            run_sql(place, f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")
    rows = run_sql(
        place,
        "SELECT f.directory, f.name, p.fingerprint, v.data FROM files f "
        "JOIN pictures p ON p.id = f.picture_id JOIN vectors v ON v.picture_id = p.id",
    )
    assert run_sql(place, "SELECT count(*) FROM pictures") == [(len({row[2] for row in rows}),)]
    texts = "SELECT t.kind, t.text, p.fingerprint FROM texts t JOIN pictures p ON p.id = t.picture_id"
    return {*rows, *run_sql(place, texts)}


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_at_most_the_batches_in_hand(tmp_path, place):
    folder = tmp_path / "photos"
    n_pictures, n_kills = 400, 10
    for i in range(n_pictures):
        paint(folder / str(i % 7) / f"{i}.png", COLOURS[i % 8], seed=i)
    command = [
        sys.executable,
        "-m",
        "tests.colour",
        getattr(place, "url", str(place)),
        str(folder),
        str(tmp_path / "log"),
    ]
    for kill in range(n_kills):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        try:
            process.wait(timeout=0.02 + 0.06 * kill)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with cosmos_search.open(place, encoder=ColourEncoder()) as library, suppress(NoIndexError):
            if library.info().n_pictures:
                assert library.search("red", 1)
    with cosmos_search.open(place, encoder=ColourEncoder(log=tmp_path / "log")) as library:
        library.add(folder)
    with cosmos_search.open(tmp_path / "straight", encoder=ColourEncoder()) as library:
        library.add(folder)
    assert contents(place) == contents(tmp_path / "straight")
    n_encoded = sum(map(int, (tmp_path / "log").read_text().split()))
    assert n_pictures <= n_encoded <= n_pictures + n_kills * ColourEncoder.batch_size * (available_cores() + 1)


def test_a_long_run_writes_the_files_of_the_vectors_from_time_to_time(tmp_path):
    """So that searches beside it have few pictures to read from the database."""

    class ImpatientIndex(Index):
        max_unsaved = 10

    for i in range(40):
        paint(tmp_path / "photos" / f"{i}.png", "red", seed=i)
    manifests = set()
    with closing(ImpatientIndex.create(tmp_path / "index")) as index:
        update(
            index,
            ColourEncoder(),
            [tmp_path / "photos"],
            on_progress=lambda report: manifests.update(index.place.glob("vectors-*.npz")),
        )
    assert len(manifests) >= 2
