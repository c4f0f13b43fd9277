"""What all visitors share: the library, its thumbnails and the indexing that goes on, opened once."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st
from platformdirs import user_cache_path

from cosmos_search.library import Info, Library, default_place
from cosmos_search.library import open as open_library
from ui.thumbnails import Thumbnails
from ui.work import Work

__all__ = ["Opened", "opened", "remembered"]

T = TypeVar("T")
THUMBNAIL_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Opened:
    """An index that pages read from and write to, and pictures small enough to send."""

    library: Library
    thumbnails: Thumbnails
    work: Work

    def info(self) -> Info | None:
        """What is indexed; None before there is an index."""
        return self.library.info() if self.library.exists() else None


def opened() -> Opened:
    """Those of the index that `cosmos-search ui` was started for (COSMOS_SEARCH_INDEX)."""
    return _opened(default_place())


def remembered(what: str, shared: Opened, ask: Callable[[Library], T], *arguments: Hashable) -> T:
    """The answer of the library to `what` with these arguments, asked again only when the index has changed."""
    library = shared.library
    answer: T = _answer(ask, library, library.place, library.generation(), what, arguments)
    return answer


@st.cache_resource(show_spinner=False)
def _opened(place: Path) -> Opened:
    """The library notices by itself when its index changes, so it can stay open."""
    library = open_library(place)
    thumbnails = Thumbnails(user_cache_path("cosmos-search") / "thumbnails", THUMBNAIL_BYTES)
    return Opened(library, thumbnails, Work(library))


@st.cache_resource(show_spinner=False, max_entries=128)
def _answer(
    _ask: Callable[[Library], Any],
    _library: Library,
    place: Path,
    generation: int,
    what: str,
    arguments: tuple[Hashable, ...],
) -> Any:
    return _ask(_library)
