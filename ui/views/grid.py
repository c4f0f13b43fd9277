"""A grid of pictures with its actions: select, find similar pictures, find a part of a picture."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

import streamlit as st

from indexer.pictures.regions import Box
from indexer.store.shapes import PictureShape
from ui.components.cards import Card, make_card
from ui.components.components import GridData, show_grid
from ui.components.outline import make_outline
from ui.session.address import go
from ui.session.login import get_own_ticket
from ui.session.results import FirstResults, get_levels
from ui.session.shared import SharedResources
from ui.session.state import State

__all__ = ["open_picture", "show_picture_grid", "show_results_grid"]


def show_results_grid(
    shared: SharedResources, state: State, first: FirstResults, upload: str | None, *, by_date: bool
) -> None:
    """The grid of all results of a search, of which the first are known. upload: the key of an uploaded example."""
    address = state.with_(picture=None).to_address() | ({"upload": upload} if upload is not None else {})
    levels = get_levels(shared, first.pictures)
    cards = [make_card(found, levels) for found in first.pictures]
    _show_grid(state, urlencode(address), cards, first.shapes, n=first.n, by_date=by_date, key="grid")


def show_picture_grid(state: State, cards: Sequence[Card], key: str, *, names: bool = False) -> None:
    """A grid of these cards. key: unique for each grid of a page. names: show names and notes on all of them."""
    shapes = [PictureShape(card.id, card.width, card.height, None) for card in cards]
    address = urlencode({"view": state.view, "grid": key})
    state = replace(state, names=names or state.names)
    _show_grid(state, address, cards, shapes, n=len(cards), by_date=False, key=key)


def open_picture(state: State, picture: int) -> None:
    """Open a picture among all pictures, without the evidence of an earlier search."""
    go(view="search", query="", similar_to=None, album=None, picture=picture)


def _show_grid(
    state: State,
    address: str,
    cards: Sequence[Card],
    shapes: Sequence[PictureShape],
    *,
    n: int | None,
    by_date: bool,
    key: str,
) -> None:
    data = GridData(
        address=address,
        outline=make_outline(shapes, by_date),
        cards=cards,
        n=n,
        is_complete=n == len(shapes),
        picture=state.picture,
        selected=st.session_state.get("selected", ()),
        boxes=state.where,
        names=state.names,
        ticket=get_own_ticket(),
    )
    show_grid(
        data,
        key=key,
        on_find_similar=lambda id_: go(view="search", query="", album=None, similar_to=id_),
        on_find_copies=lambda id_: go(view="explore", explore="duplicates", kind="copies", copies_of=id_),
        on_find_part=_find_part,
        on_select=lambda ids: st.session_state.update(selected=list(ids)),
    )


def _find_part(picture: int, box: Box) -> None:
    go(view="search", query="", album=None, similar_to=picture, box=box)
