"""A grid of pictures, wherever on the page: each opens, is ticked, or is made the example of a new search."""

from collections.abc import Sequence

import streamlit as st

from ui.components.cards import Card
from ui.components.components import show_grid
from ui.session.address import go
from ui.session.state import State

__all__ = ["open_picture", "show_picture_grid"]


def show_picture_grid(state: State, cards: Sequence[Card], key: str) -> None:
    """key: tells the grids of a page apart."""
    show_grid(
        cards,
        key=key,
        on_opened=lambda id_: open_picture(state, id_),
        on_liked=lambda id_: go(view="search", query="", like=id_),
        on_ticked=lambda ids: st.session_state.update(ticked=list(ids)),
        ticked=st.session_state.get("ticked", ()),
        shows_where=state.where,
    )


def open_picture(state: State, id_: int) -> None:
    """Look closely at a picture, wherever it is shown."""
    if state.view == "search":
        go(picture=id_)
    else:  # a picture that no search has found
        go(view="search", query="", like=None, picture=id_)
