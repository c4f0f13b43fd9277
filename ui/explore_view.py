"""Exploring without words: a map of the collection, and pictures that are nearly the same."""

from collections.abc import Sequence

import streamlit as st

from cosmos_search.atlas import Atlas
from indexer.records import PictureRecord
from ui.address import bound, go
from ui.atlas_cards import MapCards, map_cards
from ui.cards import card_of_picture
from ui.opened import Opened, remembered
from ui.pictures_grid import pictures_grid
from ui.pieces import picture_map
from ui.plain import plain
from ui.state import ALIKE, EXPLORES, State

__all__ = ["explore_view"]

OF_CLUSTER = 60  # pictures that are shown of one
GROUPS_A_PAGE = 10
NAMES = {"map": "Map", "duplicates": "Near duplicates"}


def explore_view(shared: Opened, state: State) -> None:
    """Either is worked out when it is first looked at, and again only when the index has changed."""
    st.segmented_control(
        "What to explore",
        EXPLORES,
        key=bound("explore", state.explore),
        format_func=NAMES.__getitem__,
        on_change=lambda: go(explore=st.session_state["explore"]),
        required=True,
        label_visibility="collapsed",
    )
    if state.explore == "map":
        _map(shared, state)
    else:
        _duplicates(shared, state)


def _map(shared: Opened, state: State) -> None:
    with st.spinner("Drawing the map; some thousands of pictures take half a minute …", show_time=True):
        atlas: Atlas = remembered("atlas", shared, lambda library: library.atlas())
        cards: MapCards = remembered(
            "map", shared, lambda library: map_cards(atlas, library.picture, shared.thumbnails)
        )
    n_shown = len(atlas.points)
    of = f" of {atlas.n_pictures:,}, chosen evenly" if n_shown < atlas.n_pictures else ""
    st.caption(
        f"{n_shown:,} pictures{of}. What looks alike lies together; a name is the nearest word for what is there. "
        "Wheel: closer. Drag: move. Click: a picture, or a place."
    )
    picture_map(
        cards,
        key="map",
        on_opened=lambda id_: go(view="search", query="", like=None, picture=id_),
        on_chosen=lambda number: go(cluster=number),
    )
    if state.cluster is None or state.cluster >= len(atlas.clusters):
        return
    place = cards.places[state.cluster]
    ids = [point.id for point in atlas.points if point.cluster == state.cluster]
    st.subheader(f"{plain(place.name)}: {place.n:,}" if place.name else f"{place.n:,} pictures")
    _grid(shared, state, ids[:OF_CLUSTER], key="cluster")


def _duplicates(shared: Opened, state: State) -> None:
    st.select_slider(
        "How alike",
        list(reversed(ALIKE)),
        key=bound("alike", state.alike),
        on_change=lambda: go(alike=st.session_state["alike"]),
        width=240,
    )
    with st.spinner("Comparing all pictures; a hundred thousand take about a minute …", show_time=True):
        groups: Sequence[tuple[PictureRecord, ...]] = remembered(
            "duplicates", shared, lambda library: library.near_duplicates(ALIKE[state.alike]), state.alike
        )
    if not groups:
        st.info("No two pictures are nearly the same.", icon=":material/check_circle:")
        return
    st.caption(
        f"{len(groups):,} groups of pictures that are nearly the same: re-encoded, resized, or cropped a little."
    )
    first = (state.page - 1) * GROUPS_A_PAGE
    for number, group in enumerate(groups[first : first + GROUPS_A_PAGE], start=first):
        _grid(shared, state, [picture.id for picture in group], key=f"group_{number}")
    if len(groups) > GROUPS_A_PAGE:
        n_pages = -(-len(groups) // GROUPS_A_PAGE)
        key = bound("group_page", min(state.page, n_pages))
        st.pagination(n_pages, key=key, on_change=lambda: go(page=st.session_state["group_page"]))


def _grid(shared: Opened, state: State, ids: Sequence[int], key: str) -> None:
    pictures = [picture for id_ in ids if (picture := shared.library.picture(id_)) is not None]
    pictures_grid(state, [card_of_picture(picture, shared.thumbnails) for picture in pictures], key=key)
