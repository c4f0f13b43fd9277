"""What goes wrong with an index's own files: read-only, full, damaged, replaced. Each is one sentence."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest

import cosmos_search
from indexer.errors import CosmosSearchError
from indexer.ingest.update import remove
from indexer.store.database import open_database
from indexer.store.errors import IndexBusyError
from indexer.store.filter_record import Filters
from indexer.store.index import Index
from tests import ROOT
from tests.colour import COLOURS, ColourEncoder, paint, paint_photos
from tests.results import counts, names
from tests.rows import run_sql

COMMANDS = [("search", "red"), ("info", ""), ("add", ""), ("remove", "photos")]
# As root without the capabilities that let it write and read everything.
WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


def run(*arguments, prefix=()):
    """The single line that a process of its own prints, and nothing on stderr."""
    command = [*prefix, sys.executable, "-m", "tests.index_process", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.stderr == "", done.stderr
    (line,) = done.stdout.splitlines()
    return line


def can_mount():
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


needs_mount = pytest.mark.skipif(not shutil.which("unshare") or not can_mount(), reason="no file system can be mounted")
needs_setpriv = pytest.mark.skipif(bool(WITHOUT_RIGHTS) and not shutil.which("setpriv"), reason="needs setpriv")


@pytest.fixture
def photos(tmp_path):
    return paint_photos(tmp_path / "photos")


@pytest.fixture
def place(tmp_path, photos):
    """An index of the photos, closed."""
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        library.add(photos)
    return tmp_path / "index"


def deny_writing(place):
    for path in (place, *place.iterdir()):
        path.chmod(path.stat().st_mode & ~0o222)


@needs_setpriv
def test_a_read_only_index_answers_and_says_that_nothing_can_be_added(place, photos):
    deny_writing(place)
    before = sorted(p.name for p in place.iterdir())
    assert run(place, "search", "red", prefix=WITHOUT_RIGHTS).startswith("red.png")
    assert run(place, "info", prefix=WITHOUT_RIGHTS) == "8 pictures"
    for command, argument in (("add", photos), ("remove", photos)):
        line = run(place, command, argument, prefix=WITHOUT_RIGHTS)
        assert "read-only" in line
        assert "damaged" not in line
    assert sorted(p.name for p in place.iterdir()) == before


@needs_setpriv
def test_a_read_only_index_without_its_files_of_vectors_answers_too(place):
    for file in place.glob("vectors-*"):
        file.unlink()
    deny_writing(place)
    assert run(place, "search", "red", prefix=WITHOUT_RIGHTS).startswith("red.png")


@needs_setpriv
def test_an_index_whose_owner_writes_to_it_is_read_by_others_with_what_is_new(place, photos):
    with cosmos_search.open(place, encoder=ColourEncoder()) as owner:
        paint(photos / "more" / "gold.png", "gold")
        owner.add(photos)
        assert (place / "catalog.db-wal").stat().st_size
        deny_writing(place)
        assert run(place, "info", prefix=WITHOUT_RIGHTS) == "9 pictures"
        for path in (place, *place.iterdir()):
            path.chmod(0o700)


@needs_mount
def test_an_index_on_a_read_only_mount_answers(place):
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    assert run(place, "search", "red", prefix=("unshare", "-m", "sh", "-c", script, str(place))).startswith("red.png")


@needs_setpriv
@pytest.mark.parametrize(("command", "argument"), COMMANDS)
def test_an_index_that_may_not_be_opened_is_not_called_damaged(place, photos, command, argument):
    place.chmod(0)
    try:
        line = run(place, command, argument or photos, prefix=WITHOUT_RIGHTS)
    finally:
        place.chmod(0o700)
    assert "Permission denied" in line or "permissions" in line
    assert "damaged" not in line


@needs_mount
@pytest.mark.parametrize("size", ["40k", "150k", "300k"])
def test_a_full_disk_is_one_sentence_and_what_was_indexed_before_is_kept(tmp_path, size):
    many = tmp_path / "many"
    for i in range(600):
        paint(many / f"{i:03}.png", COLOURS[i % 8], seed=i)
    kept = tmp_path / "kept"
    kept.mkdir()
    copy = f'"$@"; code=$?; cp -r {tmp_path}/disk/. {kept}; exit $code'
    script = f'mkdir -p "$0" && mount -t tmpfs -o size={size} tmpfs "$0" || exit 9; {copy}'
    prefix = ("unshare", "-m", "sh", "-c", script, str(tmp_path / "disk"))
    line = run(tmp_path / "disk/index", "add", many, prefix=prefix)
    assert "Error: " in line
    assert "damaged" not in line
    assert any(word in line for word in ("full", "room", "No space"))
    if (kept / "index/catalog.db").exists() and (kept / "index/catalog.db").stat().st_size:
        assert "pictures" in run(kept / "index", "info")
        report = run(kept / "index", "add", many)
        assert report.endswith("failed 0")


def test_a_lock_that_is_held_too_long_is_one_sentence(place, photos):
    index = Index(place, open_database(place / "catalog.db", busy_timeout_s=0.05))
    with closing(sqlite3.connect(place / "catalog.db", isolation_level=None)) as other, closing(index):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(IndexBusyError, match="Another process is writing"):
            remove(index, photos)
        with index.snapshot() as snapshot:
            assert snapshot.catalog.n_pictures() == 8


@pytest.mark.parametrize("page", range(1, 12))
def test_a_garbled_page_is_damage_or_has_no_effect(place, page):
    content = bytearray((place / "catalog.db").read_bytes())
    garbage = np.random.default_rng(page).integers(0, 256, 4096, dtype=np.uint8).tobytes()
    content[page * 4096 : (page + 1) * 4096] = garbage[: max(0, len(content) - page * 4096)]
    (place / "catalog.db").write_bytes(content)
    for file in place.glob("vectors-*"):
        file.unlink()
    for command, argument in COMMANDS:
        line = run(place, command, argument)
        assert "damaged" in line or not line.startswith("CosmosSearchError") or "not an indexed folder" in line


def test_an_index_that_is_deleted_in_the_middle_of_a_run_ends_it_with_one_sentence(place, photos):
    for i in range(40):
        paint(photos / f"new{i}.png", "gold", seed=100 + i)
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        with pytest.raises(CosmosSearchError, match="deleted or replaced"):
            library.add(photos, on_progress=lambda report: shutil.rmtree(place, ignore_errors=True))
        with pytest.raises(CosmosSearchError, match="no index"):
            library.search("red")


# The files of the vectors


def manifest(place):
    (path,) = place.glob("vectors-*.npz")
    return path


def rows_file(place):
    (path,) = place.glob("vectors-*.rows")
    return path


@pytest.mark.parametrize("file", [manifest, rows_file])
@pytest.mark.parametrize("damage", [lambda b: b[:25], lambda b: b""])
def test_a_damaged_file_of_vectors_changes_no_answer_and_is_mended_by_the_next_run(place, photos, file, damage):
    whole = file(place).read_bytes()
    file(place).write_bytes(damage(whole))
    assert run(place, "search", "red").startswith("red.png")
    assert run(place, "add", photos) == "added 0, kept 8, failed 0"
    assert len(file(place).read_bytes()) == len(whole)
    assert run(place, "search", "red").startswith("red.png")


def test_no_answer_has_a_score_of_rows_that_were_damaged_in_their_file(place):
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        true = {hit.path: hit.score for hit in library.search("red", top=8)}
    rows = np.fromfile(rows_file(place), dtype="<f2")
    rows[::7], rows[3::11] = np.nan, 4.0
    rows.tofile(rows_file(place))
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        assert all(true[hit.path] == hit.score for hit in library.search("red", top=8))


def test_vectors_of_commits_that_were_lost_is_not_believed(tmp_path, photos):
    place, backup = tmp_path / "index", tmp_path / "backup.db"
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(photos)
    shutil.copy(place / "catalog.db", backup)
    others = [paint(tmp_path / "a" / f"{i}.png", "black", seed=200 + i) for i in range(20)]
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(others[0].parent)
    shutil.copy(backup, place / "catalog.db")  # as after a power cut, or a restored backup
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        for i in range(20):
            paint(tmp_path / "b" / f"{i}.png", "orange", seed=300 + i)
        library.add(tmp_path / "b")  # as many pictures, with the same ids
        assert {hit.path.parent.name for hit in library.search("orange", top=20)} == {"b"}
        assert all(hit.score > 0.99 for hit in library.search("orange", top=20))


def test_a_catalog_that_went_back_while_it_was_open_is_followed(tmp_path, photos):
    place, backup = tmp_path / "index", tmp_path / "backup.db"
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(photos)
    shutil.copy(place / "catalog.db", backup)
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        paint(tmp_path / "a" / "orange.png", "orange")
        library.add(tmp_path / "a")
        assert names(library.search("orange", top=1)) == ["orange.png"]
        shutil.copy(backup, place / "other.db")
        for part in ("-wal", "-shm"):
            (place / f"catalog.db{part}").unlink(missing_ok=True)
        (place / "other.db").replace(place / "catalog.db")
        assert "orange.png" not in names(library.search("orange", top=9))


def test_files_that_are_deleted_under_an_open_library_change_no_answer(place):
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        before = names(library.search("red", top=8))
        manifest(place).unlink()
        rows_file(place).unlink()
        assert names(library.search("red", top=8)) == before


@needs_mount
def test_an_index_on_a_disk_that_is_full_is_searched(tmp_path, place, photos):
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (
        f"mount -t tmpfs -o size=1500k tmpfs {disk} && cp -r {place} {disk}/index && rm -f {disk}/index/catalog.db-*; "
        f'dd if=/dev/zero of={disk}/filler bs=1k count=9000 2>/dev/null; "$@"'
    )
    prefix = ("unshare", "-m", "sh", "-c", script, "sh")
    assert run(disk / "index", "search", "red", prefix=prefix).startswith("red.png")
    line = run(disk / "index", "remove", photos, prefix=prefix)
    assert "full" in line or "No space" in line


def test_an_empty_catalog_beside_vectors_is_damage_and_stays_as_it_is(place, photos):
    (place / "catalog.db").write_bytes(b"")
    for command, argument in (("search", "red"), ("info", ""), ("add", photos)):
        assert "damaged (its catalog is empty)" in run(place, command, argument)
    assert (place / "catalog.db").stat().st_size == 0


def test_what_a_first_run_left_that_was_killed_at_once_is_no_index(tmp_path, photos):
    place = tmp_path / "new"
    place.mkdir()
    (place / "catalog.db").touch()
    assert "no index" in run(place, "search", "red")
    assert run(place, "add", photos) == "added 8, kept 0, failed 0"


ANY_USE = {
    "search": lambda library: library.search("red", top=20, include_unlikely=True),
    "browse": lambda library: library.browse(),
    "info": lambda library: library.info(),
    "facets": lambda library: library.facets(),
    "near duplicates": lambda library: library.near_duplicates(),
    "filters": lambda library: library.search("red", filters=Filters(folder="photos", camera="x")),
    "add": lambda library: library.add(),
    "remove": lambda library: library.remove(library.info().folders[0].path),
}


@pytest.mark.parametrize("use", ANY_USE)
def test_a_damaged_catalog_ends_every_use_in_a_result_or_one_sentence(place, use):
    whole = (place / "catalog.db").read_bytes()
    random = np.random.default_rng(len(use))
    for _ in range(60):
        content = bytearray(whole)
        for where in random.integers(100, len(content), 3 if random.random() < 0.5 else 40):
            content[where] = random.integers(0, 256)
        (place / "catalog.db").write_bytes(content)
        for part in place.glob("catalog.db-*"):
            part.unlink()
        with cosmos_search.open(place, encoder=ColourEncoder()) as library, contextlib.suppress(CosmosSearchError):
            ANY_USE[use](library)


def test_rows_that_differ_from_their_sql_index_are_damage(place):
    catalog = place / "catalog.db"
    with closing(sqlite3.connect(catalog)) as connection, connection:
        entry = connection.execute("SELECT * FROM sqlite_master WHERE name = 'pictures_by_date'").fetchone()
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("DELETE FROM sqlite_master WHERE name = 'pictures_by_date'")
    with closing(sqlite3.connect(catalog)) as connection, connection:  # the SQL index keeps the right sizes
        connection.execute("UPDATE pictures SET width = -width")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", entry)
    with (
        cosmos_search.open(place, encoder=ColourEncoder()) as library,
        pytest.raises(CosmosSearchError, match="damaged"),
    ):
        library.near_duplicates()


def test_vectors_that_were_damaged_match_nothing(place, caplog):
    with closing(sqlite3.connect(place / "catalog.db")) as catalog, catalog:
        (data,) = catalog.execute("SELECT data FROM vectors WHERE picture_id = 1").fetchone()
        bad = np.frombuffer(data, dtype="<f2").copy()
        bad[0::4] = np.nan
        catalog.execute("UPDATE vectors SET data = ? WHERE picture_id = 1", (bad.tobytes(),))
        huge = np.frombuffer(data, dtype="<f2") * 1000
        catalog.execute("UPDATE vectors SET data = ? WHERE picture_id = 2", (huge.astype("<f2").tobytes(),))
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        scores = [hit.score for hit in library.search("red", top=8)]
    assert scores == sorted(scores, reverse=True)
    assert max(scores) <= 1.001
    assert "vectors in the index are damaged" in caplog.text


# Where an index lies


@pytest.mark.parametrize("name", ["my ix?", "a%20b", "a#b", "tab\there", "q'uote\"", "ü", b"not-utf8-\xff"])
def test_an_index_lies_where_it_was_put_whatever_its_name(tmp_path, photos, name):
    place = tmp_path / (os.fsdecode(name) if isinstance(name, bytes) else name)
    other = tmp_path / "a b"
    for index in (other, place):
        with cosmos_search.open(index, encoder=ColourEncoder()) as library:
            library.add(photos if index == place else paint(tmp_path / "one" / "red.png", "red").parent)
    assert {p.name for p in tmp_path.iterdir()} == {"photos", "one", other.name, place.name}
    assert (place / "catalog.db").is_file()
    assert manifest(place).is_file()
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        assert library.info().n_pictures == 8
        assert counts(library.add(photos)) == {"kept": 8}
        assert names(library.search("red", top=1)) == ["red.png"]


def test_a_new_index_is_its_owners_alone(tmp_path, photos):
    with cosmos_search.open(tmp_path / "deep" / "index", encoder=ColourEncoder()) as library:
        library.add(photos)
    assert (tmp_path / "deep" / "index").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("file", [manifest, rows_file])
def test_a_link_in_the_place_of_a_part_is_not_followed(place, photos, tmp_path, file):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    final = file(place)
    final.unlink()
    final.symlink_to(precious)
    final.with_name(f"{final.name}.partial").symlink_to(precious)
    assert run(place, "add", photos) == "added 0, kept 8, failed 0"
    assert precious.read_text() == "precious"
    assert not file(place).is_symlink()


def test_what_a_killed_run_left_is_swept(place, photos):
    (place / "vectors-1-5.faiss-x.partial").write_bytes(b"half")
    run(place, "add", photos)
    assert not list(place.glob("*.partial"))


def test_the_catalog_shrinks_when_much_was_removed(tmp_path, photos):
    class Wide(ColourEncoder):
        dim = 4096

        def encode_images(self, prepared):
            return [np.pad(v, ((0, 0), (0, 4092))) for v in super().encode_images(prepared)]

        def encode_texts(self, texts):
            return np.pad(super().encode_texts(texts), ((0, 0), (0, 4092)))

    for i in range(120):
        paint(tmp_path / "many" / f"{i}.png", COLOURS[i % 8], seed=i + 50)
    with cosmos_search.open(tmp_path / "index", encoder=Wide()) as library:
        library.add(photos, tmp_path / "many")
        before = (tmp_path / "index/catalog.db").stat().st_size
        library.remove(tmp_path / "many")
        library.add(photos)
    assert (tmp_path / "index/catalog.db").stat().st_size < before / 4
    with cosmos_search.open(tmp_path / "index", encoder=Wide()) as library:
        assert names(library.search("red", top=1)) == ["red.png"]


def test_a_hit_names_a_file_that_is_there_and_the_run_says_which_folder_is_gone(tmp_path, photos):
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        library.add(photos)
        photos.rename(tmp_path / "renamed")
        report = library.add(tmp_path / "renamed")
        assert any(str(photos) in str(warning) and "is not there" in str(warning) for warning in report.warnings)
        (hit,) = library.search("red", top=1)
        assert (hit.path, hit.copies) == (tmp_path / "renamed/red.png", (photos / "red.png",))
        shutil.rmtree(tmp_path / "renamed")
        assert library.search("red", top=1)[0].path.name == "red.png"  # nothing is there: it is still told


def test_another_process_may_compact_the_catalog_before_the_first_change(tmp_path, photos):
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        library.add(photos)
    with closing(Index.open(tmp_path / "index")) as index:
        with index.reading() as catalog:
            assert catalog.n_pictures() == len(COLOURS)
        run_sql(tmp_path / "index", "VACUUM")  # which counts as a change of the schema
        with index.writing() as writer:
            writer.drop_orphans()
            assert writer.n_pictures() == len(COLOURS)
