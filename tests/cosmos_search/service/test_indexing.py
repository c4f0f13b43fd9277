from threading import Event

import pytest

import cosmos_search
from cosmos_search.service.indexing import Indexing, IndexingInterruptedError
from indexer.errors import IndexBusyError
from tests.colour import ColourEncoder, paint

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
def indexing(tmp_path):
    encoder = Waiting()
    with cosmos_search.open(tmp_path / "index", encoder=encoder) as library:
        indexing = Indexing(library)
        yield indexing, library, encoder
        encoder.may.set()
        if indexing.job is not None:
            indexing.job.wait()


def test_a_folder_is_indexed_in_the_background_while_it_can_be_seen_how_far_it_is(indexing, photos):
    indexing, library, encoder = indexing
    assert indexing.start([photos])
    assert indexing.is_running
    assert indexing.job.seconds_left is None
    encoder.may.set()
    indexing.job.wait()
    assert not indexing.is_running
    assert (indexing.job.report.added, indexing.job.n_files, indexing.job.fraction, indexing.job.error) == (
        24,
        24,
        1.0,
        None,
    )
    assert library.search("red")[0].score > 0


def test_only_one_run_goes_on(indexing, photos, tmp_path):
    indexing, library, encoder = indexing
    paint(tmp_path / "other" / "a.png", "red")
    assert indexing.start([photos])
    assert not indexing.start([tmp_path / "other"])
    encoder.may.set()
    indexing.job.wait()
    assert [folder.path for folder in library.info().folders] == [photos.resolve()]


def test_it_stops_and_keeps_what_is_done(indexing, photos):
    indexing, library, encoder = indexing
    indexing.start([photos])
    stopped = indexing.job
    stopped.stop()
    assert stopped.is_stopping
    encoder.may.set()
    stopped.wait()
    assert stopped.report.is_stopped
    assert library.info().n_pictures == stopped.report.added < 24
    before = library.version()
    indexing.start([photos])
    assert indexing.version_before == before
    indexing.job.wait()
    assert library.info().n_pictures == 24


def test_an_index_that_another_process_writes_to_is_an_error_of_the_job(indexing, photos):
    indexing, library, encoder = indexing
    encoder.may.set()
    indexing.start([photos])
    indexing.job.wait()
    with library._opened.open().lock():
        indexing.start([photos])
        indexing.job.wait()
    assert isinstance(indexing.job.error, IndexBusyError)


def test_a_bug_ends_the_job_with_an_error_and_a_log_entry(tmp_path, photos, caplog):
    class Broken(ColourEncoder):
        def encode_images(self, prepared):
            raise ZeroDivisionError("no colour")

    with cosmos_search.open(tmp_path / "index", encoder=Broken()) as library:
        indexing = Indexing(library)
        indexing.start([photos])
        indexing.job.wait()
    assert isinstance(indexing.job.error, IndexingInterruptedError)
    assert "ZeroDivisionError: no colour" in str(indexing.job.error)
    assert "Indexing was interrupted" in caplog.text
