"""`info` names what the last run could not read, as the run itself did, until it is mended."""

import os
import shutil
from pathlib import Path
from threading import Event

import pytest

from tests.colour import COLOURS, paint, paint_photos
from tests.rights import needs_refusals

NO_FILE = Path("/proc/self/mem")  # opens, and gives an I/O error when it is read


@pytest.fixture
def photos(tmp_path):
    return paint_photos(tmp_path / "photos", COLOURS[:3])


def loop_of_links(folder):
    (folder / "loop.jpg").symlink_to("loop.jpg")
    return lambda: (folder / "loop.jpg").unlink()


def far_future(folder):
    shutil.copy(folder / "red.png", folder / "future.png")
    os.utime(folder / "future.png", ns=(0, 13_569_465_600 * 10**9))  # the year 2400
    if (folder / "future.png").stat().st_mtime < 2**33:
        pytest.skip("this file system has no such dates")
    return lambda: os.utime(folder / "future.png")


def path_too_long(folder):
    here, name = os.getcwd(), "d" * 250  # noqa: PTH109
    os.chdir(folder)
    try:
        for _ in range(17):
            Path(name).mkdir()
            os.chdir(name)
        Path("deep.jpg").touch()
    finally:
        os.chdir(here)
    return lambda: shutil.rmtree(folder / name)


def unreadable(folder):
    if not NO_FILE.exists():
        pytest.skip("needs a file that gives an I/O error")
    (folder / "mem.png").symlink_to(NO_FILE)
    return lambda: (folder / "mem.png").unlink()


def no_picture(folder):
    (folder / "text.jpg").write_text("hello")
    return lambda: (folder / "text.jpg").unlink()


def unlistable(folder):
    paint(folder / "closed" / "grey.png", "grey")
    (folder / "closed").chmod(0)
    return lambda: (folder / "closed").chmod(0o755)


def known_and_unreadable(folder):
    if not NO_FILE.exists():
        pytest.skip("needs a file that gives an I/O error")
    (folder / "red.png").rename(folder.parent / "red.png")
    (folder / "red.png").symlink_to(NO_FILE)
    return lambda: (folder.parent / "red.png").replace(folder / "red.png")


def known_and_a_loop(folder):
    (folder / "red.png").rename(folder.parent / "red.png")
    (folder / "red.png").symlink_to("red.png")
    return lambda: (folder.parent / "red.png").replace(folder / "red.png")


KINDS = [
    loop_of_links,
    far_future,
    path_too_long,
    unreadable,
    no_picture,
    pytest.param(unlistable, marks=needs_refusals),
    known_and_unreadable,
    known_and_a_loop,
]


@pytest.mark.parametrize("spoil", KINDS)
def test_info_names_what_the_run_named_until_it_is_mended(library, photos, spoil):
    library.add(photos)
    mend = spoil(photos)
    try:
        report = library.add(photos)
        assert len(report.failed) == 1
        for _ in range(2):
            info = library.info()
            assert info.failed == report.failed
            assert info.folders[0].n_failed == 1
            library.add(photos)
    finally:
        mend()
    library.add(photos)
    assert (library.info().failed, library.info().folders[0].n_failed) == ([], 0)


def test_a_walk_of_a_part_leaves_the_failures_of_the_rest(library, photos):
    loop_of_links(photos)
    paint(photos / "in" / "grey.png", "grey")
    mend = loop_of_links(photos / "in")
    library.add(photos)
    mend()
    library.add(photos / "in")
    assert [failed.path for failed in library.info().failed] == [photos / "loop.jpg"]


def test_a_folder_around_takes_failures_over_and_a_removed_one_takes_them_along(library, photos):
    (photos / "in").mkdir()
    loop_of_links(photos / "in")
    library.add(photos / "in")
    stop = Event()
    stop.set()
    library.add(photos, stop=stop)
    assert [(folder.path, folder.n_failed) for folder in library.info().folders] == [(photos, 1)]
    library.add(photos)
    library.remove(photos)
    assert library.info().failed == []


def test_what_is_excluded_fails_no_more(library, photos):
    loop_of_links(photos)
    library.add(photos)
    library.add(photos, exclude=["loop.jpg"])
    assert library.info().failed == []


def test_a_stopped_run_adds_its_failures_and_forgets_none(library, photos):
    mend = loop_of_links(photos)
    library.add(photos)
    mend()
    (photos / "other.jpg").symlink_to("other.jpg")
    paint(photos / "new.png", "yellow")
    stop = Event()
    library.add(photos, on_progress=lambda r: stop.set() if r.added else None, stop=stop)
    assert {failed.path.name for failed in library.info().failed} == {"loop.jpg", "other.jpg"}
    library.add(photos)
    assert {failed.path.name for failed in library.info().failed} == {"other.jpg"}
