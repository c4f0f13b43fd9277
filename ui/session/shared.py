"""What all visitors share: the library, its thumbnails, the indexing that goes on, and answers, opened once."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TypeVar

from platformdirs import user_cache_path

from cosmos_search.library import Library, default_place
from cosmos_search.library import open as open_library
from ui.files.thumbnails import Thumbnails
from ui.session.answer_cache import AnswerCache
from ui.session.indexing import Indexing

__all__ = ["SharedResources", "shared_resources"]

T = TypeVar("T")

THUMBNAIL_BYTES = 1 << 30
N_ANSWERS = 48  # a list of hits takes about a kilobyte for each
_opening = Lock()
N_LARGE = 6  # maps and groups of pictures that look alike


@dataclass(frozen=True, slots=True)
class SharedResources:
    """An index that pages read from and write to, and pictures small enough to send."""

    library: Library
    thumbnails: Thumbnails
    indexing: Indexing
    answers: AnswerCache
    large: AnswerCache

    def cached(self, what: str, ask: Callable[[], T], *arguments: Hashable) -> T:
        """The answer to `what` with these arguments, asked again only when the index has changed."""
        return self.answers.get((what, self.library.stamp(), arguments), ask)

    def cached_until_idle(self, what: str, ask: Callable[[], T], *arguments: Hashable) -> T:
        """The same for what takes long: while indexing goes on, the answer of before it will do."""
        stamp = self.indexing.version_before if self.indexing.is_running else None
        return self.large.get((what, stamp or self.library.stamp(), arguments), ask)


def shared_resources() -> SharedResources:
    """Those of the index that `cosmos-search ui` was started for (COSMOS_SEARCH_INDEX)."""
    with _opening:
        return _open_resources(default_place())


@cache  # not Streamlit's: that one every visitor can empty, also one who doesn't know the token
def _open_resources(place: Path) -> SharedResources:
    """The library notices by itself when its index changes, so it can stay open."""
    library = open_library(place)
    thumbnails = Thumbnails(user_cache_path("cosmos-search") / "thumbnails", THUMBNAIL_BYTES)
    return SharedResources(library, thumbnails, Indexing(library), AnswerCache(N_ANSWERS), AnswerCache(N_LARGE))
