"""The pass that reads texts in pictures, with a small real reader: it reads the colour of a picture."""

from threading import Event

import pytest

from indexer.ingest.read_texts import BATCH, read_texts
from indexer.pictures.regions import Box
from indexer.store.filter_record import Filters
from indexer.store.records import TextLine
from tests.colour import COLOURS, paint, paint_photos

BOX = Box(0.25, 0.25, 0.75, 0.5)


class ColourReader:
    """Reads "ff0000" in a red picture. Black pictures have no text, and white ones make it fail."""

    max_side = 32

    def __init__(self, version="1"):
        self.version = f"colours {version}"
        self.sizes = []

    def read(self, picture):
        self.sizes.append(picture.size)
        colour = picture.resize((1, 1)).getpixel((0, 0))
        name = "".join(f"{255 * (value > 127):02x}" for value in colour)
        if name == "ffffff":
            raise ValueError("too bright")
        return [] if name == "000000" else [TextLine("picture", name, BOX, 0.9)]


@pytest.fixture
def photos(tmp_path):
    return paint_photos(tmp_path / "photos", size=(80, 40))


def test_each_picture_is_read_once_by_each_version(library_on_both, photos):
    library_on_both.add(photos)
    reports = []
    report = library_on_both.read_texts(reader=ColourReader(), on_progress=lambda r: reports.append(r.n_done))
    assert (report.n_total, report.n_read, report.n_with_text, report.n_lines) == (8, 7, 6, 6)
    assert [file.path.name for file in report.failed] == ["white.png"]
    assert "too bright" in report.failed[0].reason
    assert reports == [0, 8]
    (hit,) = library_on_both.search("red", filters=Filters(texts=("ff0000",)))
    assert hit.path.name == "red.png"
    reader = ColourReader()
    paint(photos / "new.png", "red", seed=7)
    library_on_both.add(photos)
    again = library_on_both.read_texts(reader=reader)
    assert (again.n_total, again.n_read, len(reader.sizes)) == (2, 1, 2)  # the new one, and the one that failed
    assert library_on_both.read_texts(reader=ColourReader("2")).n_read == 8
    assert library_on_both.n_matching(Filters(texts=("ff0000",))) == 2


def test_a_run_that_is_stopped_resumes(library, tmp_path):
    for i in range(2 * BATCH + 5):
        paint(tmp_path / "photos" / f"{i}.png", COLOURS[i % 6], seed=i)
    library.add(tmp_path / "photos")
    stop = Event()
    first = library.read_texts(reader=ColourReader(), stop=stop, on_progress=lambda report: stop.set())
    assert first.is_stopped
    assert first.n_read == BATCH
    second = library.read_texts(reader=ColourReader())
    assert (second.n_total, second.n_read, second.is_stopped) == (BATCH + 5, BATCH + 5, False)


def test_missing_files_are_counted_and_pictures_are_made_small(library, photos):
    library.add(photos)
    (photos / "red.png").unlink()
    reader = ColourReader()
    report = read_texts(library._opened.open(), reader, n_threads=1)
    assert {file.path.name for file in report.failed} == {"red.png", "white.png"}
    assert set(reader.sizes) == {(32, 16)}


def test_answers_that_were_kept_are_known_to_be_old(library, photos):
    library.add(photos)
    before = library.version()
    library.read_texts(reader=ColourReader())
    assert library.version() != before
