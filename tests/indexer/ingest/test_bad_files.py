"""What goes wrong with one file is that file's failure, and the run goes on."""

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

import cosmos_search
from tests.colour import COLOURS, ColourEncoder, paint, paint_photos
from tests.rights import needs_refusals
from tests.rows import refuse_rows

LARGE = (33, 33)  # the size of the pictures that CarefulEncoder can't prepare
NO_FILE = Path("/proc/self/mem")  # opens, and gives an I/O error when it is read


class CarefulEncoder(ColourEncoder):
    """Fails for pictures of one size."""

    def __init__(self, error=MemoryError):
        super().__init__()
        self.error = error

    def prepare(self, picture, regions=()):
        if self.error is not None and picture.size == LARGE:
            raise self.error
        return super().prepare(picture, regions)


@pytest.fixture
def photos(tmp_path):
    return paint_photos(tmp_path / "photos", COLOURS[:3])


def reasons(report):
    return {failed.path.name: failed.reason for failed in report.failed}


def loop_of_links(path):
    path.symlink_to(path.name)


def unreadable_content(path):
    path.symlink_to(NO_FILE)


def far_future(path):
    shutil.copy(path.parent / "red.png", path)
    os.utime(path, ns=(0, 13_569_465_600 * 10**9))  # the year 2400


def far_past(path):
    shutil.copy(path.parent / "red.png", path)
    os.utime(path, (0, -12_000_000_000))  # the year 1589


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (loop_of_links, "symbolic links"),
        pytest.param(
            unreadable_content, "Input/output error", marks=pytest.mark.skipif(not NO_FILE.exists(), reason="")
        ),
        (far_future, "date"),
        (far_past, "date"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_the_run_goes_on(library, photos, make, reason):
    make(photos / "bad.jpg")
    if make in (far_future, far_past) and abs((photos / "bad.jpg").stat().st_mtime) < 2**33:
        pytest.skip("this file system has no such dates")
    for n_added in (3, 0):
        report = library.add(photos)
        assert (report.added, list(reasons(report))) == (n_added, ["bad.jpg"])
        assert reason in reasons(report)["bad.jpg"]
    (photos / "bad.jpg").unlink()
    paint(photos / "bad.jpg", "yellow")
    report = library.add(photos)
    assert (report.added + report.updated, report.failed) == (1, [])


def test_a_path_longer_than_the_system_takes_is_named(library, photos):
    here = os.getcwd()  # noqa: PTH109
    name = "d" * 250
    os.chdir(photos)
    try:
        for _ in range(17):
            Path(name).mkdir()
            os.chdir(name)
        Path("deep.jpg").touch()
    finally:
        os.chdir(here)
    try:
        report = library.add(photos)
    finally:
        shutil.rmtree(photos / name)
    assert report.added == 3
    assert ["File name too long" in failed.reason for failed in report.failed] == [True]


@needs_refusals
@pytest.mark.parametrize("is_known", [False, True])
def test_a_file_without_permission_is_tried_again_and_keeps_its_vectors(library, photos, is_known):
    if is_known:
        library.add(photos)
    (photos / "red.png").chmod(0)
    try:
        for _ in range(2):
            assert "Permission denied" in reasons(library.add(photos))["red.png"]
    finally:
        (photos / "red.png").chmod(0o644)
    assert len(library.search("red", 9, include_unlikely=True)) == 2 + is_known
    assert library.add(photos).failed == []
    assert len(library.search("red", 9, include_unlikely=True)) == 3
    assert library.info().failed == []


@needs_refusals
def test_a_directory_that_lists_and_tells_nothing_more_keeps_its_files(library, photos):
    inner = paint(photos / "inner" / "orange.png", "orange").parent
    paint(inner / "deeper" / "grey.png", "grey")
    library.add(photos)
    inner.chmod(0o444)
    try:
        report = library.add(photos)
    finally:
        inner.chmod(0o755)
    assert (report.removed, report.kept) == (0, 3)
    assert reasons(report).keys() == {"orange.png", "deeper"}
    assert library.add(photos).kept == 5


def test_a_file_that_vanishes_before_it_is_opened_is_left_out(tmp_path, photos):
    """The encoder deletes the later files when it is given the first."""
    for i in range(200):
        paint(photos / f"z{i:03}.png", "grey", seed=i)

    class Deleting(ColourEncoder):
        def prepare(self, picture, regions=()):
            for path in photos.glob("z1*"):
                path.unlink(missing_ok=True)
            return super().prepare(picture, regions)

    with cosmos_search.open(tmp_path / "index", encoder=Deleting()) as library:
        report = library.add(photos)
        assert report.failed == []
        assert 3 <= report.added <= 103 + 60
        library.add(photos)
        assert library.info().n_pictures == 103


def test_a_limit_beyond_all_numbers_of_the_database_is_none(library, photos):
    (photos / "text.jpg").write_text("hello")
    report = library.add(photos, max_pixels=10**36)
    assert (report.added, reasons(report).keys()) == (3, {"text.jpg"})
    assert library.add(photos, max_pixels=10**36).failed_before == 1


@pytest.mark.parametrize("error", [MemoryError, RecursionError, OSError(5, "Input/output error")])
def test_what_fails_for_the_moment_is_tried_again(tmp_path, photos, error):
    paint(photos / "large.png", "yellow", LARGE, seed=7)
    shutil.copy(photos / "large.png", photos / "large-copy.png")
    encoder = CarefulEncoder(error)
    with cosmos_search.open(tmp_path / "index", encoder=encoder) as library:
        report = library.add(photos)
        assert (report.added, reasons(report).keys()) == (3, {"large.png", "large-copy.png"})
        assert {failed.path.name for failed in library.info().failed} == {"large.png", "large-copy.png"}
        encoder.error = None
        assert library.add(photos).failed == []
        assert (library.info().n_pictures, library.info().failed) == (4, [])


@pytest.mark.parametrize("error", [AssertionError("ours"), KeyError("ours")])
def test_a_mistake_of_our_own_is_not_hidden(tmp_path, photos, error):
    paint(photos / "large.png", "yellow", LARGE, seed=7)
    library = cosmos_search.open(tmp_path / "index", encoder=CarefulEncoder(error))
    with library, pytest.raises(type(error), match="ours"):
        library.add(photos)


def test_a_copy_of_a_file_that_fails_is_read_for_itself(library, photos, tmp_path):
    """Their content is the same, but the first can't be read to its end."""
    if not NO_FILE.exists():
        pytest.skip("needs a file that gives an I/O error")
    (photos / "a.png").symlink_to(NO_FILE)
    (photos / "b.png").symlink_to(NO_FILE)
    report = library.add(photos)
    assert (report.added, reasons(report).keys()) == (3, {"a.png", "b.png"})


@pytest.mark.parametrize("table", ["pictures", "vectors", "files"])
def test_a_row_that_the_database_refuses_fails_alone(library_on_both, photos, tmp_path, table):
    library = library_on_both
    paint(photos / "odd.png", "yellow", (13, 13), seed=7)
    shutil.copy(photos / "odd.png", photos / "odd-copy.png")
    (tmp_path / "empty").mkdir()
    library.add(tmp_path / "empty")
    odd = {
        "pictures": "NEW.width = 13",
        "vectors": "(SELECT width FROM pictures WHERE id = NEW.picture_id) = 13",
        "files": "NEW.failure IS NULL AND (SELECT width FROM pictures WHERE id = NEW.picture_id) = 13",
    }[table]
    refuse_rows(library.place, table, odd)
    report = library.add(photos)
    assert (report.added, reasons(report).keys()) == (3, {"odd.png", "odd-copy.png"})
    assert all("odd" in reason for reason in reasons(report).values())
    assert len(library.search("red", 9, include_unlikely=True)) == 3
    assert library.info().n_pictures == 3


def test_metadata_nested_too_deeply_costs_only_the_metadata(library, photos):
    packet = "<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + "<a>" * 5000 + "</a>" * 5000 + "</x:xmpmeta>"
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", packet)
    Image.new("RGB", (20, 20), "yellow").save(photos / "deep.png", pnginfo=text)
    report = library.add(photos)
    assert (report.added, report.failed) == (4, [])
