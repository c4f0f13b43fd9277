from threading import Semaphore

import pytest

import cosmos_search
from cosmos_search.service.answer_cache import AnswerCache
from cosmos_search.service.indexing import Indexing
from cosmos_search.service.thumbnails import Thumbnails
from tests.browser import until
from tests.colour import ColourEncoder, paint
from ui.session.shared import SharedResources

MANY = 1000


class StepEncoder(ColourEncoder):
    """Encodes one picture for each `allowed.release()`."""

    batch_size = 1

    def __init__(self):
        super().__init__()
        self.allowed = Semaphore(1)

    def encode_images(self, prepared):
        self.allowed.acquire(timeout=30)
        return super().encode_images(prepared)


@pytest.fixture
def encoder():
    return StepEncoder()


@pytest.fixture
def shared(tmp_path, encoder):
    """Resources of an index with one picture."""
    paint(tmp_path / "photos" / "first.png", "red")
    with cosmos_search.open(tmp_path / "index", encoder=encoder) as library:
        library.add(tmp_path / "photos")
        thumbnails = Thumbnails(tmp_path / "thumbnails", 1_000_000)
        yield SharedResources(library, thumbnails, Indexing(library), AnswerCache(9), AnswerCache(9))


def test_a_result_is_computed_again_when_the_index_has_changed(shared, encoder, tmp_path):
    count = shared.library.n_pictures
    assert [shared.get_or_compute("n", count), shared.get_or_compute("n", lambda: None)] == [1, 1]
    paint(tmp_path / "photos" / "second.png", "blue")
    encoder.allowed.release()
    shared.library.add(tmp_path / "photos")
    assert shared.get_or_compute("n", count) == 2


def test_each_name_with_its_arguments_has_its_own_result(shared):
    requests = [("a",), ("b",), ("a", 1), ("a", 2)]
    results = [shared.get_or_compute(name, lambda r=(name, *rest): r, *rest) for name, *rest in requests]
    assert results == requests


def test_a_slow_result_is_not_computed_again_before_the_job_has_ended(shared, encoder, tmp_path):
    assert shared.cached_until_idle("n", shared.library.n_pictures) == 1
    for i in range(12):
        paint(tmp_path / "photos" / f"{i}.png", "blue", seed=i)
    before = shared.library.version()
    shared.indexing.start([tmp_path / "photos"])
    encoder.allowed.release()
    until(lambda: shared.library.version() != before, "no picture was added")
    assert shared.indexing.is_running
    assert shared.cached_until_idle("n", lambda: "computed while the job runs") == 1
    encoder.allowed.release(MANY)
    shared.indexing.job.wait()
    assert shared.cached_until_idle("n", shared.library.n_pictures) == 13
