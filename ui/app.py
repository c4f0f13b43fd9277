"""The page, from its top: who may see it, where the visitor is, and what is shown there."""

from collections.abc import Callable

import streamlit as st

from indexer.errors import CosmosSearchError
from ui.components.style import STYLE
from ui.escape import plain
from ui.session.address import choice, here
from ui.session.login import is_open
from ui.session.shared import Opened, opened
from ui.session.state import State
from ui.views.explore import explore_view
from ui.views.first_run import first_run
from ui.views.library import library_view
from ui.views.search import search_view

VIEW_OF: dict[str, Callable[[Opened, State], None]] = {
    "search": search_view,
    "explore": explore_view,
    "library": library_view,
}
NAMES = {
    "search": ":material/search: Search",
    "explore": ":material/map: Explore",
    "library": ":material/photo_library: Library",
}


def main() -> None:
    """Once for every interaction."""
    st.set_page_config("cosmos-search", page_icon="🔭", layout="wide")
    st.html(f"<style>{STYLE}</style>")
    if not is_open():
        return
    try:
        _show(opened(), here())
    except CosmosSearchError as error:
        st.error(plain(error))


def _show(shared: Opened, state: State) -> None:
    choice("View", "view", state.view, NAMES, picture=None)
    if state.view != "library" and not shared.library.n_pictures():
        first_run(shared)
    else:
        VIEW_OF[state.view](shared, state)


main()
