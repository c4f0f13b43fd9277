"""A file is forgotten only where its absence is proven, and many at once only when that is asked for."""

import shlex
import shutil
import sqlite3
import subprocess
from contextlib import closing
from importlib.util import find_spec

import pytest

import cosmos_search
from cosmos_search.cli.advice import add_advice
from tests.colour import ColourEncoder, paint
from tests.older_catalogs import make_older
from tests.rights import needs_refusals

COLOURS = ["red", "lime", "blue"]


@pytest.fixture
def photos(tmp_path):
    """A folder with three pictures, and three more in `cam`."""
    for i, colour in enumerate(COLOURS):
        paint(tmp_path / "photos" / f"{colour}.png", colour, seed=i)
        paint(tmp_path / "photos" / "cam" / f"{colour}.png", colour, seed=100 + i)
    return tmp_path / "photos"


def change_devices(library, change, directory="%"):
    """As if these directories had been on another file system when they were indexed."""
    with closing(sqlite3.connect(library.place / "catalog.db")) as catalog, catalog:
        sql = f"UPDATE files SET device = {change} WHERE CAST(directory AS TEXT) LIKE ?"
        assert catalog.execute(sql, (str(directory),)).rowcount


def devices(library):
    with closing(sqlite3.connect(library.place / "catalog.db")) as catalog:
        return {device for (device,) in catalog.execute("SELECT device FROM files")}


def many(folder, n):
    for i in range(n):
        paint(folder / f"{i:03}.png", "grey", seed=1000 + i)
    return folder


def empty_directory(cam):
    cam.mkdir()


def one_stray_file(cam):
    paint(cam / "stray.png", "yellow", seed=7)


def a_stray_file_of_the_same_name(cam):
    paint(cam / "red.png", "yellow", (40, 40))


def nothing(cam):
    pass


def a_link_to_nothing(cam):
    cam.symlink_to("/nowhere/at/all")


def a_link_to_an_empty_directory(cam):
    (cam.parent.parent / "mount").mkdir()
    cam.symlink_to(cam.parent.parent / "mount")


def a_file(cam):
    cam.write_text("no disk")


@pytest.mark.parametrize(
    "unmounted",
    [
        empty_directory,
        one_stray_file,
        a_stray_file_of_the_same_name,
        nothing,
        a_link_to_nothing,
        a_link_to_an_empty_directory,
        a_file,
    ],
)
@pytest.mark.parametrize("is_part", [False, True])
def test_what_was_on_a_disk_that_is_not_mounted_stays(library, photos, unmounted, is_part):
    library.add(photos)
    change_devices(library, "device + 1000", photos / "cam")
    away = photos.parent / "away"
    (photos / "cam").rename(away)
    unmounted(photos / "cam")
    n_kept = 2 if unmounted is a_stray_file_of_the_same_name else 3
    folder = photos / "cam" if is_part and unmounted in (empty_directory, one_stray_file) else photos
    for _ in range(2):
        report = library.add(folder)
        assert (report.removed, report.moved) == (0, 0)
        (warning,) = report.warnings
        assert f"{n_kept} " in str(warning)
        assert "cosmos-search index --forget-missing " in add_advice(warning)
    assert len(library.search("red", 20, include_unlikely=True)) >= 6
    report = library.add(photos, forget_missing=True)
    assert (report.removed, report.warnings) == (n_kept, [])
    assert library.add(photos).warnings == []


def test_a_disk_that_is_mounted_again_has_its_pictures_as_before(library, photos):
    library.add(photos)
    change_devices(library, "device + 1000", photos / "cam")
    (photos / "cam").rename(photos.parent / "away")
    (photos / "cam").mkdir()
    library.add(photos)
    (photos / "cam").rmdir()
    (photos.parent / "away").rename(photos / "cam")
    report = library.add(photos)
    assert (report.kept, report.added, report.removed, report.warnings) == (6, 0, 0, [])
    assert devices(library) == {photos.stat().st_dev}


def test_a_disk_with_another_number_is_known_again_by_a_file_that_did_not_change(library, photos):
    many(photos / "year", 5)
    library.add(photos)
    change_devices(library, "device + 1000")
    (photos / "red.png").unlink()
    shutil.rmtree(photos / "cam")
    report = library.add(photos)
    assert (report.kept, report.removed, report.warnings) == (7, 4, [])
    assert devices(library) == {photos.stat().st_dev}


def test_an_index_that_recorded_no_devices_goes_on_and_records_them(library, photos):
    library.add(photos)
    library.close()
    make_older(library.place / "catalog.db", 3)
    (photos / "red.png").unlink()
    report = library.add(photos)
    assert (report.kept, report.removed, report.warnings) == (5, 1, [])
    assert devices(library) == {photos.stat().st_dev}


@needs_refusals
def test_a_folder_that_cannot_be_reached_is_named_and_stays(library, photos, tmp_path):
    library.add(photos)
    more = paint(tmp_path / "more" / "orange.png", "orange").parent
    library.add(more)
    closed = tmp_path / "closed"
    (tmp_path / "closed" / "in").mkdir(parents=True)
    photos.rename(closed / "in" / "photos")
    photos.symlink_to(closed / "in" / "photos")
    closed.chmod(0)
    try:
        report = library.add()
    finally:
        closed.chmod(0o755)
    assert (report.kept, report.removed, len(report.warnings)) == (1, 0, 1)
    assert library.info().n_pictures == 7


@pytest.mark.parametrize("target", ["file", "directory"])
def test_what_lies_behind_a_link_to_nothing_stays(library, photos, tmp_path, target):
    paint(tmp_path / "elsewhere" / "orange.png", "orange")
    link = photos / ("there" if target == "directory" else "orange.png")
    link.symlink_to(tmp_path / "elsewhere" / ("" if target == "directory" else "orange.png"))
    library.add(photos)
    (tmp_path / "elsewhere").rename(tmp_path / "away")
    report = library.add(photos)
    assert (report.kept, report.removed, len(report.warnings)) == (6, 0, 1)
    assert library.search("orange", 1)[0].path.name == "orange.png"
    link.unlink()
    assert library.add(photos).removed == 1


@pytest.mark.parametrize(
    ("n_files", "n_deleted", "n_forgotten"),
    [
        (40, 20, 20),  # half
        (30, 20, 20),  # more than half, but no more than 20
        (40, 21, 0),  # more than half, and more than 20
        (19, 18, 18),  # few
        (60, 25, 25),  # many, and less than half
        (3, 3, 0),  # all
        (1, 1, 0),
    ],
)
def test_a_large_share_is_forgotten_only_when_it_is_asked_for(library, tmp_path, n_files, n_deleted, n_forgotten):
    folder = many(tmp_path / "my 'photos", n_files)
    library.add(folder)
    for path in sorted(folder.iterdir())[:n_deleted]:
        path.unlink()
    if n_files == n_deleted:
        paint(folder / "new.png", "red")  # so that it isn't empty
    for _ in range(2):
        report = library.add(folder)
        assert (report.removed, len(report.warnings)) == (n_forgotten, int(n_forgotten == 0))
        n_forgotten = 0
        if not report.warnings:
            return
    assert f"{n_deleted} indexed file" in str(report.warnings[0])
    command = shlex.split(add_advice(report.warnings[0]).split("To forget them: ")[1])
    assert command == ["cosmos-search", "index", "--forget-missing", str(folder)]
    assert library.add(folder, forget_missing=True).removed == n_deleted


def test_a_renamed_folder_has_moved_however_large_it_is(library, tmp_path):
    many(tmp_path / "root" / "a", 40)
    library.add(tmp_path / "root")
    (tmp_path / "root" / "a").rename(tmp_path / "root" / "b")
    report = library.add(tmp_path / "root")
    assert (report.moved, report.added, report.removed, report.warnings) == (40, 0, 0, [])
    assert {hit.path.parent.name for hit in library.search("grey", 40, include_unlikely=True)} == {"b"}


def test_a_folder_that_moved_within_the_root_takes_no_lost_ones_along(library, tmp_path):
    many(tmp_path / "root" / "a", 40)
    library.add(tmp_path / "root")
    (tmp_path / "root" / "a").rename(tmp_path / "root" / "b")
    for path in sorted((tmp_path / "root" / "b").iterdir())[:30]:
        path.unlink()
    report = library.add(tmp_path / "root")
    assert (report.moved, report.removed) == (10, 0)
    assert "30 indexed files" in str(report.warnings[0])
    assert library.info().n_pictures == 40


def test_files_that_move_off_a_disk_have_moved(library, photos):
    library.add(photos)
    change_devices(library, "device + 1000", photos / "cam")
    (photos / "cam").rename(photos / "copied")
    report = library.add(photos)
    assert (report.moved, report.added, report.removed, report.warnings) == (3, 0, 0, [])


def test_copies_may_go_in_any_number_as_long_as_one_stays(library, tmp_path):
    folder = tmp_path / "photos"
    paint(folder / "red.png", "red")
    for i in range(30):
        shutil.copy(folder / "red.png", folder / f"copy{i}.png")
    library.add(folder)
    for i in range(30):
        (folder / f"copy{i}.png").unlink()
    report = library.add(folder)
    assert (report.kept, report.removed, report.warnings) == (1, 30, [])


def test_as_many_have_moved_as_came_anew(library, photos):
    for i in range(3):
        shutil.copy(photos / "red.png", photos / f"red{i}.png")
    library.add(photos)
    for i in range(3):
        (photos / f"red{i}.png").unlink()
    (photos / "red.png").rename(photos / "rouge.png")
    report = library.add(photos)
    assert (report.added, report.moved, report.removed, report.kept) == (0, 1, 3, 5)


def test_a_picture_that_can_no_more_be_read_here_stays(library, photos):
    """Its kind needs an extra that was uninstalled."""
    suffix = ".heic" if find_spec("pillow_heif") is None else ".nef"
    if find_spec("pillow_heif") and find_spec("rawpy"):
        pytest.skip("both extras are installed")
    library.add(photos)
    (photos / "red.png").rename(photos / f"red{suffix}")
    with closing(sqlite3.connect(library.place / "catalog.db")) as catalog, catalog:
        sql = "UPDATE files SET name = CAST(? AS BLOB) WHERE directory = CAST(? AS BLOB) AND CAST(name AS TEXT) = ?"
        assert catalog.execute(sql, (f"red{suffix}", str(photos), "red.png")).rowcount == 1
    report = library.add(photos)
    assert (report.kept, report.needs_extra, report.removed) == (5, 1, 0)
    assert library.info().n_pictures == 6


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.symlink_to("cam")])
def test_a_picture_whose_name_is_a_directory_now_is_gone(library, photos, make):
    library.add(photos)
    (photos / "red.png").unlink()
    make(photos / "red.png")
    report = library.add(photos)
    assert (report.kept, report.removed) == (5, 1)


def test_a_rebuild_goes_over_to_the_new_vectors_only_when_it_has_all(library, photos, tmp_path):
    library.add(photos)
    change_devices(library, "device + 1000", photos / "cam")
    (photos / "cam").rename(photos.parent / "away")
    (photos / "cam").mkdir()
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder("tint")) as other:
        report = other.add(rebuild=True)
        assert (report.updated, len(report.warnings)) == (3, 2)
        assert "3 pictures could not be read again" in str(report.warnings[1])
        assert len(library.search("red", 20, include_unlikely=True)) == 6
        (photos / "cam").rmdir()
        (photos.parent / "away").rename(photos / "cam")
        report = other.add(rebuild=True)
        assert (report.updated, report.warnings) == (3, [])
        assert len(other.search("red", 20, include_unlikely=True)) == 6


def test_a_mounted_disk_may_come_and_go(library, photos):
    """With a real mount, where that is allowed."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(photos / "cam")]
    try:
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("no right to mount")
    except FileNotFoundError:
        pytest.skip("no mount here")
    try:
        many(photos / "cam", 30)
        assert library.add(photos).added == 33
    finally:
        subprocess.run(["umount", photos / "cam"], check=True)
    report = library.add(photos)
    assert (report.added, report.kept, report.removed) == (3, 3, 0)
    assert "30 indexed files" in str(report.warnings[0])
    assert library.info().n_pictures == 36
