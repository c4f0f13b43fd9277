"""Resources that all visitors share: the library, thumbnails, the indexing job and cached results."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import TypeVar

from platformdirs import user_cache_path

from cosmos_search.library import Library
from cosmos_search.library import open as open_library
from cosmos_search.limits import THUMBNAIL_BYTES
from cosmos_search.places import default_place
from cosmos_search.service.answer_cache import AnswerCache
from cosmos_search.service.indexing import Indexing
from cosmos_search.service.thumbnails import Thumbnails
from indexer.places import Place

__all__ = ["SharedResources", "shared_resources"]

T = TypeVar("T")

N_RESULTS = 48  # results of searches and facets; about 1 KB for each hit
N_LARGE_RESULTS = 6  # maps and groups of near duplicates
N_UPLOADS = 16  # about 3 MB each
_open_lock = Lock()


@dataclass(frozen=True, slots=True)
class SharedResources:
    """The open index with its thumbnails, indexing job and result caches. Thread-safe."""

    library: Library
    thumbnails: Thumbnails
    indexing: Indexing
    results: AnswerCache
    large_results: AnswerCache
    uploads: AnswerCache = field(default_factory=lambda: AnswerCache(N_UPLOADS))  # example pictures by their key

    def get_or_compute(self, name: str, compute: Callable[[], T], *arguments: Hashable) -> T:
        """The result of `compute`, cached by name, arguments and version of the index."""
        return self.results.get((name, self.library.version(), arguments), compute)

    def cached_until_idle(self, name: str, compute: Callable[[], T], *arguments: Hashable) -> T:
        """For slow computations: while a job is running, the result from before the job is returned."""
        version = self.indexing.version_before if self.indexing.is_running else None
        return self.large_results.get((name, version or self.library.version(), arguments), compute)


def shared_resources() -> SharedResources:
    """The resources of the index that COSMOS_SEARCH_INDEX names, or of the default index."""
    with _open_lock:
        return _open_resources(default_place())


@cache  # not Streamlit's cache, which a message from a browser can clear
def _open_resources(place: Place) -> SharedResources:
    """Open the library once; it detects changes of its index by other processes."""
    library = open_library(place)
    thumbnails = Thumbnails(user_cache_path("cosmos-search") / "thumbnails", THUMBNAIL_BYTES)
    return SharedResources(library, thumbnails, Indexing(library), AnswerCache(N_RESULTS), AnswerCache(N_LARGE_RESULTS))
