from threading import Event

import pytest

import cosmos_search
from tests.colour import ColourEncoder, paint
from ui.work import Work

COLOURS = ("red", "green", "blue", "white")


class Waiting(ColourEncoder):
    """Embeds nothing before it may."""

    batch_size = 1

    def __init__(self):
        super().__init__()
        self.may = Event()

    def encode_images(self, prepared):
        self.may.wait(30)
        return super().encode_images(prepared)


@pytest.fixture
def photos(tmp_path):
    for i in range(24):
        paint(tmp_path / "photos" / f"{i}.png", COLOURS[i % 4], seed=i)
    return tmp_path / "photos"


@pytest.fixture
def work(tmp_path):
    encoder = Waiting()
    with cosmos_search.open(tmp_path / "index", encoder=encoder) as library:
        work = Work(library)
        yield work, library, encoder
        encoder.may.set()
        work.wait()


def test_a_folder_is_indexed_in_the_background_while_it_can_be_seen_how_far_it_is(work, photos):
    work, library, encoder = work
    work.start([photos])
    assert work.is_running
    encoder.may.set()
    work.wait()
    assert not work.is_running
    assert (work.report.added, work.n_files, work.error) == (24, 24, None)
    assert library.search("red")[0].score > 0


def test_only_one_run_goes_on(work, photos, tmp_path):
    work, library, encoder = work
    paint(tmp_path / "other" / "a.png", "red")
    work.start([photos])
    work.start([tmp_path / "other"])
    encoder.may.set()
    work.wait()
    assert [folder.path for folder in library.info().folders] == [photos.resolve()]


def test_it_stops_and_keeps_what_is_done(work, photos):
    work, library, encoder = work
    work.start([photos])
    work.stop()
    assert work.is_stopping
    encoder.may.set()
    work.wait()
    assert work.report.is_stopped
    assert library.info().n_pictures == work.report.added < 24
    work.start([photos])
    work.wait()
    assert library.info().n_pictures == 24


def test_a_mistake_is_told_in_a_sentence(work, photos):
    work, library, encoder = work
    encoder.may.set()
    work.start([photos])
    work.wait()
    with library._opened().lock():
        work.start([photos])
        work.wait()
    assert "Another cosmos-search is writing" in work.error
