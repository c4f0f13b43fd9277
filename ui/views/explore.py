"""The Explore view: a map of all pictures, and groups of duplicates."""

from collections.abc import Sequence

import streamlit as st

from cosmos_search.explore.embedding_map import Atlas
from indexer.store.records import PictureRecord
from ui.components.cards import make_card
from ui.components.components import show_map
from ui.components.map_cards import MapCards, make_map_cards
from ui.escape import escape_markdown
from ui.session.address import go, show_choice
from ui.session.shared import SharedResources
from ui.session.state import State
from ui.views.duplicates import show_duplicates
from ui.views.grid import open_picture, show_picture_grid
from ui.views.selection import show_selection

__all__ = ["show_explore"]

MAX_PICTURES = 60  # shown of a cluster
LABELS = {"map": "Map", "duplicates": "Duplicates"}


def show_explore(shared: SharedResources, state: State) -> None:
    """The map or the groups; each is computed when first shown and again when the index has changed."""
    show_choice("Explore", "explore", state.explore, LABELS)
    if shared.indexing.is_running:
        st.info("Indexing is running. New pictures appear here when it is done.")
    show_selection(shared)
    if state.explore == "map":
        _show_map(shared, state)
    else:
        show_duplicates(shared, state)


def _show_map(shared: SharedResources, state: State) -> None:
    with st.spinner("Computing the map; some thousands of pictures take half a minute …", show_time=True):
        atlas, cards = shared.cached_until_idle("map", lambda: _make_map(shared))
    n_shown = len(atlas.points)
    sampled = f" of {atlas.n_pictures:,}, sampled evenly" if n_shown < atlas.n_pictures else ""
    st.caption(
        f"{n_shown:,} pictures{sampled}. Similar pictures are close together; groups are named by the nearest word. "
        "Zoom with the wheel or + and −, drag to move, click a picture or a group to open it."
    )
    show_map(
        cards,
        key="map",
        on_open=lambda id_: open_picture(state, id_),
        on_select_cluster=lambda number: go(cluster=number),
    )
    if state.cluster is None or state.cluster >= len(cards.labels):
        return
    label = cards.labels[state.cluster]
    st.subheader(f"{escape_markdown(label.name)}: {label.n:,}" if label.name else f"{label.n:,} pictures")
    ids = [point.id for point in atlas.points if point.cluster == state.cluster]
    _show_pictures(shared, state, shared.library.pictures(ids[:MAX_PICTURES]), n=len(ids), key="cluster")


def _make_map(shared: SharedResources) -> tuple[Atlas, MapCards]:
    atlas = shared.library.atlas()
    return atlas, make_map_cards(atlas, shared.library.pictures, shared.thumbnails)


def _show_pictures(shared: SharedResources, state: State, pictures: Sequence[PictureRecord], n: int, key: str) -> None:
    show_picture_grid(state, [make_card(picture) for picture in pictures], key=key)
    if n > len(pictures):
        st.caption(f"The first {len(pictures):,} of {n:,}.")
