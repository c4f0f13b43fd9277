"""The place of a search: a town that the query ends with, which the visitor may choose as a filter, and the filter."""

from dataclasses import replace

import streamlit as st

from cosmos_search.retrieval.place_in_query import PlaceInQuery, find_place_in_query
from indexer.errors import CosmosSearchError
from indexer.store.filter_record import Filters
from ui.escape import escape_markdown
from ui.session.address import go
from ui.session.shared import SharedResources
from ui.session.state import State

__all__ = ["show_place_chip"]


def show_place_chip(shared: SharedResources, state: State) -> None:
    """A button that removes the chosen place, or one that chooses the town of the query; usually nothing.

    The filter is never set without a click, because a word such as "Nice" or "Bath" may mean something else.
    """
    if state.near:
        st.button(
            f"Near {escape_markdown(', '.join(part.strip() for part in state.near.split(',')))}",
            icon=":material/close:",
            key="place_chip",
            help="Remove this place",
            on_click=go,
            kwargs={"near": ""},
        )
        return
    found = _find_place(shared, state)
    if found is not None:
        place, n = found
        st.button(
            f"Only near {escape_markdown(place.name)} ({n:,})",
            icon=":material/location_on:",
            key="place_offer",
            help=f"Pictures taken within {place.near.radius_km:g} km, instead of those that look like the word",
            on_click=go,
            kwargs={"query": place.text, "near": place.near_text},
        )


def _find_place(shared: SharedResources, state: State) -> tuple[PlaceInQuery, int] | None:
    """The town of the query, and how many pictures are near it and pass the other filters; None if there are none."""
    if not state.query or not shared.get_or_compute("has places", shared.library.has_places):
        return None
    place = find_place_in_query(state.query)
    if place is None:
        return None
    try:
        filters = replace(state.filters or Filters(), near=place.near)
    except CosmosSearchError:  # the results show it
        return None
    n = shared.get_or_compute("n_matching", lambda: shared.library.n_matching(filters), filters)
    return (place, n) if n else None
