"""What is not found stays where the directory or the disk is not proven to be the one that was indexed."""

import shutil
import sqlite3
import subprocess
from contextlib import closing, contextmanager

import pytest

from tests.colour import paint

N = 6


@pytest.fixture
def photos(tmp_path):
    """Pictures in a folder, in `cam`, and below `cam`; `cam` is what comes and goes."""
    fill(tmp_path / "photos", 0)
    fill(tmp_path / "photos" / "cam", 100)
    fill(tmp_path / "photos" / "cam" / "2019" / "july", 200)
    return tmp_path / "photos"


def fill(folder, seed, n=N):
    for i in range(n):
        paint(folder / f"{i}.png", "grey", seed=seed + i)


def change_numbers(library, change, directory="%"):
    with closing(sqlite3.connect(library.place / "catalog.db")) as catalog, catalog:
        sql = f"UPDATE files SET {change} WHERE CAST(directory AS TEXT) LIKE ?"
        assert catalog.execute(sql, (str(directory),)).rowcount


def held(library, photos, n_held, n_runs=2):
    """However often it is walked, these stay and are named; asked for, they go."""
    for _ in range(n_runs):
        report = library.add(photos)
        assert (report.removed, report.moved) == (0, 0)
        assert [f"{n_held} indexed files" in str(warning) for warning in report.warnings] == [True]
    report = library.add(photos, forget_missing=True)
    assert (report.removed, report.warnings) == (n_held, [])
    assert library.add(photos).warnings == []


def nothing(cam, away):
    pass


def a_stray_copy(cam, away):
    shutil.copy2(away / "0.png", cam / "0.png")


def a_stray_copy_below(cam, away):
    (cam / "2019" / "july").mkdir(parents=True)
    shutil.copy2(away / "2019" / "july" / "0.png", cam / "2019" / "july" / "0.png")


def the_same_directories(cam, away):
    (cam / "2019" / "july").mkdir(parents=True)


def other_pictures(cam, away):
    fill(cam, 300, n=20)
    fill(cam / "2020", 400)


@pytest.mark.parametrize("stray", [nothing, a_stray_copy, a_stray_copy_below, the_same_directories, other_pictures])
@pytest.mark.parametrize("is_same_file_system", [True, False])
def test_an_empty_mount_point_proves_nothing(library, photos, stray, is_same_file_system):
    """A bind mount's file system is the one around it."""
    library.add(photos)
    if not is_same_file_system:
        change_numbers(library, "device = device + 1000", f"{photos}/cam%")
    (photos / "cam").rename(photos.parent / "away")
    (photos / "cam").mkdir()
    stray(photos / "cam", photos.parent / "away")
    n_there = 1 if stray in (a_stray_copy, a_stray_copy_below) else 6 if stray is other_pictures else 0
    held(library, photos, 2 * N - (min(n_there, 1) if stray is not other_pictures else N))


@pytest.mark.parametrize("aim", ["empty", "other", "nested", "indexed"])
def test_a_link_that_leads_elsewhere_now_proves_nothing(library, tmp_path, aim):
    fill(tmp_path / "photos", 0)
    fill(tmp_path / "album" / "2019", 100)
    fill(tmp_path / "album", 200)
    (tmp_path / "photos" / "link").symlink_to(tmp_path / "album")
    library.add(tmp_path / "photos")
    target = tmp_path / "other"
    (target / "2019" if aim == "nested" else target).mkdir(parents=True)
    if aim == "other":
        paint(target / "new.png", "red")
    if aim == "indexed":
        target = tmp_path / "photos" / "in"
        fill(target, 300)
        library.add(tmp_path / "photos")
    (tmp_path / "photos" / "link").unlink()
    (tmp_path / "photos" / "link").symlink_to(target)
    held(library, tmp_path / "photos", 2 * N)


@pytest.mark.parametrize("change", ["device = NULL, inodes = NULL", "inodes = NULL"])
@pytest.mark.parametrize("is_there", [True, False])
def test_an_index_that_recorded_no_numbers_forgets_nothing_on_a_disk_that_is_away(library, photos, change, is_there):
    library.add(photos)
    change_numbers(library, change)
    (photos / "cam").rename(photos.parent / "away")
    if is_there:
        (photos / "cam").mkdir()
    held(library, photos, 2 * N)


def test_an_index_that_recorded_no_numbers_knows_a_directory_by_half_of_its_files(library, photos):
    library.add(photos)
    change_numbers(library, "device = NULL, inodes = NULL")
    for i in range(N // 2):
        (photos / f"{i}.png").unlink()
    for i in range(1 + N // 2):
        (photos / "cam" / f"{i}.png").unlink()
    report = library.add(photos)
    assert report.removed == N // 2
    assert f"{1 + N // 2} indexed files" in str(report.warnings[0])


@pytest.mark.parametrize("change", ["device = device + 1000", "device = device + 1000, inodes = '7 ' || inodes"])
def test_a_disk_that_is_mounted_anew_may_lose_files_as_any_folder(library, photos, change):
    """Its number, or with file systems that give none of their own each inode, is another one."""
    library.add(photos)
    change_numbers(library, change, f"{photos}/cam%")
    for name in ("0.png", "2019/july/0.png"):
        (photos / "cam" / name).unlink()
    report = library.add(photos)
    assert (report.removed, report.kept, report.warnings) == (2, 3 * N - 2, [])


@pytest.mark.parametrize("is_there", [True, False])
def test_a_number_that_went_over_to_another_disk_proves_nothing(library, photos, is_there):
    """The folder's disk has the number now that the disk which is away had."""
    library.add(photos)
    change_numbers(library, "device = device + 1000", photos)
    (photos / "cam").rename(photos.parent / "away")
    if is_there:
        (photos / "cam").mkdir()
    held(library, photos, 2 * N)


def test_a_disk_that_lost_files_while_it_was_away_is_as_any_folder_again(library, photos):
    library.add(photos)
    change_numbers(library, "device = device + 1000", f"{photos}/cam%")
    (photos / "cam").rename(photos.parent / "away")
    assert len(library.add(photos).warnings) == 1
    (photos.parent / "away").rename(photos / "cam")
    (photos / "cam" / "0.png").unlink()
    report = library.add(photos)
    assert (report.removed, report.kept, report.warnings) == (1, 3 * N - 1, [])


def delete_a_file(photos):
    (photos / "0.png").unlink()
    return 1


def delete_most_files(photos):
    for i in range(N - 1):
        (photos / "cam" / f"{i}.png").unlink()
    return N - 1


def delete_a_directory(photos):
    shutil.rmtree(photos / "cam" / "2019")
    return N


def delete_the_last_directory(photos):
    """The one above it held no files of its own."""
    shutil.rmtree(photos / "cam" / "2019" / "july")
    return N


def delete_the_files_of_a_directory(photos):
    for path in (photos / "cam" / "2019" / "july").iterdir():
        path.unlink()
    return N


def delete_a_directory_and_edit_the_rest(photos):
    shutil.rmtree(photos / "cam")
    for i in range(N):
        paint(photos / f"{i}.png", "red", (20, 20), seed=700 + i)
    return 2 * N


@pytest.mark.parametrize(
    "delete",
    [
        delete_a_file,
        delete_most_files,
        delete_a_directory,
        delete_the_last_directory,
        delete_the_files_of_a_directory,
        delete_a_directory_and_edit_the_rest,
    ],
)
@pytest.mark.parametrize("first", ["whole", "part", "parts of a folder around"])
def test_what_is_deleted_in_an_ordinary_folder_is_forgotten_without_a_word(library, photos, delete, first):
    if first == "part":
        library.add(photos / "cam")
    if first == "parts of a folder around":
        library.add(photos / "cam" / "2019")
        library.add(photos)
        library.add(photos / "cam")
    library.add(photos)
    n = delete(photos)
    report = library.add(photos)
    assert (report.removed, report.warnings) == (n, [])


def test_everything_renamed_has_moved(library, photos):
    library.add(photos)
    (photos / "cam").rename(photos / "camera")
    for path in (photos / "camera" / "2019" / "july").iterdir():
        path.rename(path.with_name(f"new-{path.name}"))
    report = library.add(photos)
    assert (report.moved, report.added, report.removed, report.warnings) == (2 * N, 0, 0, [])


@contextmanager
def mount(place, *what):
    try:
        if subprocess.run(["mount", *what, str(place)], capture_output=True, check=False).returncode:
            pytest.skip("no right to mount")
    except FileNotFoundError:
        pytest.skip("no mount here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("has_a_copy", [False, True])
def test_another_disk_of_the_same_number_proves_nothing(library, tmp_path, has_a_copy):
    """Its root, and its directories, have the same inodes too; a copy, such as on a backup, has the same date."""
    cam = tmp_path / "photos" / "cam"
    fill(tmp_path / "photos", 0)
    cam.mkdir()
    tmpfs = ("-t", "tmpfs", "-o", "size=8m", "tmpfs")
    with mount(cam, *tmpfs):
        fill(cam, 100)
        fill(cam / "2019", 200)
        library.add(tmp_path / "photos")
        shutil.copy2(cam / "0.png", tmp_path / "0.png")
        numbers = cam.stat().st_dev, cam.stat().st_ino
    with mount(cam, *tmpfs):
        if (cam.stat().st_dev, cam.stat().st_ino) != numbers:
            pytest.skip("this system gives each disk another number")
        if has_a_copy:
            shutil.copy2(tmp_path / "0.png", cam / "0.png")
        else:
            fill(cam, 300, n=1)  # at a path that was indexed
        fill(cam / "new", 400, n=3)
        held(library, tmp_path / "photos", 2 * N - 1)


def test_a_bind_mount_of_the_same_file_system_may_come_and_go(library, tmp_path):
    fill(tmp_path / "photos", 0)
    fill(tmp_path / "elsewhere", 100)
    fill(tmp_path / "elsewhere" / "2019", 200)
    (tmp_path / "photos" / "cam").mkdir()
    with mount(tmp_path / "photos" / "cam", "--bind", str(tmp_path / "elsewhere")):
        library.add(tmp_path / "photos")
        (tmp_path / "elsewhere" / "0.png").unlink()
        assert library.add(tmp_path / "photos").removed == 1
    held(library, tmp_path / "photos", 2 * N - 1)
