"""What all pages share: the library and its thumbnails, opened once for all visitors."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from platformdirs import user_cache_path

from cosmos_search.library import Library, default_place
from cosmos_search.library import open as open_library
from ui.thumbnails import Thumbnails

__all__ = ["Opened", "opened"]

THUMBNAIL_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Opened:
    """An index that pages read from and write to, and pictures small enough to send."""

    library: Library
    thumbnails: Thumbnails


def opened() -> Opened:
    """Those of the index that `cosmos-search ui` was started for (COSMOS_SEARCH_INDEX)."""
    return _opened(default_place())


@st.cache_resource(show_spinner=False)
def _opened(place: Path) -> Opened:
    """The library notices by itself when its index changes, so it can stay open."""
    thumbnails = Thumbnails(user_cache_path("cosmos-search") / "thumbnails", THUMBNAIL_BYTES)
    return Opened(open_library(place), thumbnails)
