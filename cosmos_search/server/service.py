"""What all requests share: the library, who answers searches, thumbnails, the indexing job, threads, cached results."""

from collections.abc import Callable, Hashable
from typing import TypeVar

from platformdirs import user_cache_path

from cosmos_search.client.wire import Answer, Search
from cosmos_search.library import Library
from cosmos_search.limits import THUMBNAIL_BYTES
from cosmos_search.retrieval.language import describe_language
from cosmos_search.server.errors import StoppingError
from cosmos_search.server.metrics import Metrics
from cosmos_search.server.workers import Workers
from cosmos_search.service.answer_cache import AnswerCache
from cosmos_search.service.indexing import Indexing
from cosmos_search.service.thumbnails import Thumbnails
from indexer.cores import available_cores

__all__ = ["Service"]

T = TypeVar("T")

MAX_WAITING = 128  # requests that wait for a thread
MAX_WAITING_SLOW = 4
N_RESULTS = 6  # maps and groups of near duplicates


class Service:
    """The state of a server. `answer`: from a search to its answer; None: the library searches in this process."""

    def __init__(
        self,
        library: Library,
        answer: Callable[[Search], Answer] | None = None,
        thumbnails: Thumbnails | None = None,
        workers: Workers | None = None,
    ) -> None:
        self.library = library
        self.thumbnails = thumbnails or Thumbnails(user_cache_path("cosmos-search") / "thumbnails", THUMBNAIL_BYTES)
        self.indexing = Indexing(library)
        self.metrics = Metrics()
        self.workers = workers or Workers(max(2, available_cores()), MAX_WAITING)
        self.slow_workers = Workers(1, MAX_WAITING_SLOW)  # so that maps and the like don't keep searches waiting
        self.is_stopping = False
        self._answer = answer
        self._results = AnswerCache(N_RESULTS)

    def search(self, search: Search) -> Answer:
        """The hits, and what is to be said about the query."""
        answer = self._search_here(search) if self._answer is None else self._answer(search)
        note = describe_language(self.library.encoder, search.text)
        return Answer(answer.hits, answer.warning, note)

    def get_or_compute(self, name: str, compute: Callable[[], T], *arguments: Hashable) -> T:
        """The result of a slow computation, cached until the index changes."""
        return self._results.get((name, self.library.version(), arguments), compute)

    def stop(self) -> None:
        """Stop indexing after its current batch and the search for near duplicates, and end streams of events."""
        self.is_stopping = True
        if self.indexing.job is not None:
            self.indexing.job.stop()

    def check_running(self, progress: float = 0.0) -> None:
        """Raise StoppingError if the server was told to stop: for computations that take minutes."""
        if self.is_stopping:
            raise StoppingError

    def close(self) -> None:
        """Wait for the indexing job, and close the library."""
        self.stop()
        if self.indexing.job is not None:
            self.indexing.job.wait()
        self.library.close()

    def _search_here(self, search: Search) -> Answer:
        example = search.example
        hits = self.library.search(
            search.text,
            search.top,
            similar_to=None if example is None else example.picture,
            box=None if example is None else example.box,
            filters=search.filters,
            include_unlikely=search.include_unlikely,
        )
        return Answer(hits)
