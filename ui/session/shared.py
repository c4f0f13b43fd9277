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
from ui.session.answer_cache import Memory
from ui.session.indexing import Work

__all__ = ["Opened", "opened"]

T = TypeVar("T")

THUMBNAIL_BYTES = 1 << 30
N_ANSWERS = 48  # a list of hits takes about a kilobyte for each
_opening = Lock()
N_LARGE = 6  # maps and groups of pictures that look alike


@dataclass(frozen=True, slots=True)
class Opened:
    """An index that pages read from and write to, and pictures small enough to send."""

    library: Library
    thumbnails: Thumbnails
    work: Work
    answers: Memory
    large: Memory

    def remembered(self, what: str, ask: Callable[[], T], *arguments: Hashable) -> T:
        """The answer to `what` with these arguments, asked again only when the index has changed."""
        return self.answers.get((what, self.library.stamp(), arguments), ask)

    def remembered_calmly(self, what: str, ask: Callable[[], T], *arguments: Hashable) -> T:
        """The same for what takes long: while indexing goes on, the answer of before it will do."""
        stamp = self.work.stamp_before if self.work.is_running else None
        return self.large.get((what, stamp or self.library.stamp(), arguments), ask)


def opened() -> Opened:
    """Those of the index that `cosmos-search ui` was started for (COSMOS_SEARCH_INDEX)."""
    with _opening:
        return _opened(default_place())


@cache  # not Streamlit's: that one every visitor can empty, also one who doesn't know the token
def _opened(place: Path) -> Opened:
    """The library notices by itself when its index changes, so it can stay open."""
    library = open_library(place)
    thumbnails = Thumbnails(user_cache_path("cosmos-search") / "thumbnails", THUMBNAIL_BYTES)
    return Opened(library, thumbnails, Work(library), Memory(N_ANSWERS), Memory(N_LARGE))
