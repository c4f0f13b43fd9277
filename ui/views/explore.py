"""The Explore view: a map of all pictures, a map of the places of pictures, and groups of duplicates."""

import streamlit as st

from ui.components.components import show_map
from ui.escape import escape_markdown
from ui.session.address import go, show_choice
from ui.session.atlas import find_atlas
from ui.session.login import get_own_ticket
from ui.session.results import find_first
from ui.session.shared import SharedResources
from ui.session.state import State
from ui.views.duplicates import show_duplicates
from ui.views.grid import open_picture, show_results_grid
from ui.views.selection import show_selection

__all__ = ["show_explore"]

LABELS = {"map": "Similar pictures", "world": "World map", "duplicates": "Duplicates"}


def show_explore(shared: SharedResources, state: State) -> None:
    """The chosen one of them; each is computed when first shown and again when the index has changed."""
    show_choice("Explore", "explore", state.explore, LABELS)
    if shared.indexing.is_running:
        st.info("Indexing is running. New pictures appear here when it is done.")
    show_selection(shared)
    if state.explore == "map":
        _show_map(shared, state)
    elif state.explore == "world":
        _show_world(shared, state)
    else:
        show_duplicates(shared, state)


def _show_map(shared: SharedResources, state: State) -> None:
    st.caption(
        "Similar pictures are close together, and groups have the name of the nearest word. "
        "Click a picture, a dot or a group; zoom in for more pictures."
    )
    show_map(
        "similar",
        _get_version(shared),
        get_own_ticket(),
        key="map",
        is_short=state.shown_cluster is not None,
        on_open=lambda id_: open_picture(state, id_),
        on_select_cluster=lambda number: go(cluster=number),
    )
    if state.shown_cluster is None:
        return
    first = find_first(shared, state, None)
    if first.n:
        label = find_atlas(shared).clusters[state.shown_cluster]
        st.subheader(f"{escape_markdown(label.name)}: {label.n:,}")
        show_results_grid(shared, state, first, None, by_date=False)


def _show_world(shared: SharedResources, state: State) -> None:
    st.caption("Where pictures were taken. Click a picture to open it, or a number to see more.")
    show_map(
        "world",
        _get_version(shared),
        get_own_ticket(),
        key="world",
        on_open=lambda id_: open_picture(state, id_),
        on_list=lambda near: go(view="search", query="", similar_to=None, album=None, near=near),
    )


def _get_version(shared: SharedResources) -> str:
    """Changes whenever the maps have to be drawn again."""
    version = shared.indexing.version_before if shared.indexing.is_running else None
    return "-".join(map(str, version or shared.library.version()))
