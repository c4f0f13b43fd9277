from threading import Event

import pytest

import cosmos_search
from tests.colour import ColourEncoder, paint
from ui.session.indexing import Work

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
        if work.run is not None:
            work.run.wait()


def test_a_folder_is_indexed_in_the_background_while_it_can_be_seen_how_far_it_is(work, photos):
    work, library, encoder = work
    assert work.start([photos])
    assert work.is_running
    assert work.run.seconds_left is None
    encoder.may.set()
    work.run.wait()
    assert not work.is_running
    assert (work.run.report.added, work.run.n_files, work.run.share, work.run.error) == (24, 24, 1.0, None)
    assert library.search("red")[0].score > 0


def test_only_one_run_goes_on(work, photos, tmp_path):
    work, library, encoder = work
    paint(tmp_path / "other" / "a.png", "red")
    assert work.start([photos])
    assert not work.start([tmp_path / "other"])
    encoder.may.set()
    work.run.wait()
    assert [folder.path for folder in library.info().folders] == [photos.resolve()]


def test_it_stops_and_keeps_what_is_done(work, photos):
    work, library, encoder = work
    work.start([photos])
    stopped = work.run
    stopped.stop()
    assert stopped.is_stopping
    encoder.may.set()
    stopped.wait()
    assert stopped.report.is_stopped
    assert library.info().n_pictures == stopped.report.added < 24
    before = library.stamp()
    work.start([photos])
    assert work.stamp_before == before
    work.run.wait()
    assert library.info().n_pictures == 24


def test_a_mistake_is_told_in_a_sentence(work, photos):
    work, library, encoder = work
    encoder.may.set()
    work.start([photos])
    work.run.wait()
    with library._opened().lock():
        work.start([photos])
        work.run.wait()
    assert "Another cosmos-search is writing" in work.run.error
