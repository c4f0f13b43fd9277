from threading import Event

import pytest

import cosmos_search
from cosmos_search.models.errors import DownloadError, UnknownModelError
from cosmos_search.models.published import PUBLISHED, RECOMMENDED
from cosmos_search.service.indexing import DOWNLOAD, Indexing, IndexingInterruptedError, IndexingJob
from indexer.store.directory import CATALOG
from indexer.store.errors import IndexBusyError
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


def test_the_steps_are_taken_in_their_order_and_the_one_that_failed_is_known(indexing, photos):
    _, library, encoder = indexing
    encoder.may.set()
    pulled = []
    job = IndexingJob(library, [photos], "not-a-model", ("download", "prepare", "index"), pulled.append)
    assert (job.step, job.fraction, job.n_total) == ("download", 0.0, None)
    job.start()
    job.wait()
    assert pulled == ["not-a-model"]
    assert isinstance(job.error, UnknownModelError)
    assert (job.step, job.report, library.exists()) == ("prepare", None, False)


def test_a_download_that_fails_ends_the_job(indexing):
    _, library, _ = indexing

    def pull(name):
        raise DownloadError(name, "no network")

    job = IndexingJob(library, (), RECOMMENDED, DOWNLOAD, pull)
    assert job.n_total == PUBLISHED[RECOMMENDED].download_bytes
    job.start()
    job.wait()
    assert isinstance(job.error, DownloadError)


def test_texts_are_read_after_indexing_if_that_is_wanted_and_not_after_a_stop(indexing, photos):
    pytest.importorskip("rapidocr")
    indexing, library, encoder = indexing
    encoder.may.set()
    indexing.reads_texts = True
    indexing.start([photos])
    indexing.job.wait()
    assert indexing.job.steps == ("prepare", "index", "read")
    assert (indexing.job.step, indexing.job.fraction, indexing.job.texts.n_read) == ("read", 1.0, 24)
    assert library.n_unread() == 0
    paint(photos / "new.png", "red", seed=99)
    job = IndexingJob(library, [photos], None, ("prepare", "index", "read"))
    job.stop()
    job.start()
    job.wait()
    assert job.report.is_stopped
    assert job.texts is None


def test_an_index_that_another_library_is_creating_is_empty_until_then(tmp_path, photos):
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / CATALOG).touch()  # before its tables are there
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        assert library.n_pictures() == 0
        assert library.count_files([photos]) == 24
        library.add(photos)
        assert library.n_pictures() == 24
