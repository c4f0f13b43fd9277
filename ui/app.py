"""Streamlit script of the page: log in, read the state from the address, show the selected view."""

from collections.abc import Callable

import streamlit as st

from indexer.errors import CosmosSearchError
from ui.components.style import STYLE
from ui.session.address import read_state
from ui.session.login import require_login
from ui.session.shared import SharedResources, shared_resources
from ui.session.state import State
from ui.views.advice import show_error
from ui.views.albums import show_albums
from ui.views.explore import show_explore
from ui.views.first_run import show_first_run
from ui.views.library import show_library
from ui.views.search import show_search
from ui.views.top import show_top

VIEWS: dict[str, Callable[[SharedResources, State], None]] = {
    "search": show_search,
    "explore": show_explore,
    "albums": show_albums,
    "library": show_library,
}
LABELS = {
    "search": ":material/search: Search",
    "explore": ":material/map: Explore",
    "albums": ":material/photo_album: Albums",
    "library": ":material/photo_library: Library",
}


def main() -> None:
    """Run by Streamlit at every interaction."""
    st.set_page_config("cosmos-search", page_icon="🔭", layout="wide")
    st.html(f"<style>{STYLE}</style>")
    if not require_login():
        return
    try:
        _show_view(shared_resources(), read_state())
    except CosmosSearchError as error:
        show_error(error)


def _show_view(shared: SharedResources, state: State) -> None:
    show_top(shared, state, LABELS)
    if state.view != "library" and not shared.library.n_pictures():
        show_first_run(shared)
    else:
        VIEWS[state.view](shared, state)


main()
