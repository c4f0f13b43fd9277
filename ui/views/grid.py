"""A grid of pictures with its actions: open, select, find similar pictures."""

from collections.abc import Sequence

import streamlit as st

from ui.components.cards import Card
from ui.components.components import show_grid
from ui.session.address import go
from ui.session.state import State

__all__ = ["open_picture", "show_picture_grid"]


def show_picture_grid(state: State, cards: Sequence[Card], key: str) -> None:
    """A grid of cards. key: unique for each grid of a page."""
    show_grid(
        cards,
        key=key,
        on_open=lambda id_: open_picture(state, id_),
        on_find_similar=lambda id_: go(view="search", query="", similar_to=id_),
        on_select=lambda ids: st.session_state.update(selected=list(ids)),
        selected=st.session_state.get("selected", ()),
        show_boxes=state.where,
    )


def open_picture(state: State, id_: int) -> None:
    """Open the detail view of a picture."""
    if state.view == "search":
        go(picture=id_)
    else:  # without the evidence of an earlier search
        go(view="search", query="", similar_to=None, picture=id_)
