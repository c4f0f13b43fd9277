"""The pieces of the page that Streamlit lacks: a grid of cards, a picture to draw a box on, a map of pictures.

Each is a few lines of HTML, CSS and JavaScript beside this file, with no build step. What they are given is drawn
as text and as data URIs; none of it is read as HTML.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import streamlit as st

from indexer.pictures.regions import Box
from ui.components.cards import Card, Part
from ui.components.map_cards import MapCards

__all__ = ["show_frame", "show_grid", "show_map"]

HERE = Path(__file__).parent


def _register_component(name: str, html: str) -> Any:
    css, shared, own = ((HERE / file).read_text(encoding="utf-8") for file in (f"{name}.css", "nodes.js", f"{name}.js"))
    return st.components.v2.component(f"cosmos_search_{name}", html=html, css=css, js=f"{shared}\n{own}")


_grid = _register_component("grid", '<div class="grid" role="list"></div>')
_frame = _register_component("frame", '<div class="holder"></div>')
_map = _register_component(
    "map", '<div class="map" tabindex="0" role="application" aria-label="Map of pictures"></div>'
)


def show_grid(
    cards: Sequence[Card],
    *,
    key: str,
    on_opened: Callable[[int], None],
    on_liked: Callable[[int], None],
    on_ticked: Callable[[Sequence[int]], None],
    ticked: Sequence[int] = (),
    shows_where: bool = True,
) -> None:
    """Cards side by side. Arrow keys move, Enter opens, space ticks.

    The callbacks get the picture's id, or all ids that are ticked, also of other pages.
    """
    _grid(
        key=key,
        data={"cards": [asdict(card) for card in cards], "ticked": list(ticked), "where": shows_where},
        on_opened_change=lambda: on_opened(int(st.session_state[key].opened)),
        on_liked_change=lambda: on_liked(int(st.session_state[key].liked)),
        on_ticked_change=lambda: on_ticked([int(id_) for id_ in st.session_state[key].ticked]),
    )


def show_frame(
    *,
    key: str,
    image: str | None,
    alt: str,
    size: tuple[int, int],
    parts: Sequence[Part] = (),
    on_drawn: Callable[[Box], None] | None = None,
    on_closed: Callable[[], None] | None = None,
    on_stepped: Callable[[int], None] | None = None,
) -> None:
    """A picture with the boxes of its parts; without an image a blank canvas that says `alt`.

    image: a data URI. size: width and height, of which the shape is taken. on_drawn: gets each box that is drawn.
    on_closed, on_stepped: for Esc, and for the left (-1) and right (1) arrow.
    """
    handlers: dict[str, Callable[[], None]] = {}
    if on_drawn is not None:
        handlers["on_drawn_change"] = lambda: on_drawn(Box(*map(float, st.session_state[key].drawn)))
    if on_closed is not None:
        handlers["on_closed_change"] = on_closed
    if on_stepped is not None:
        handlers["on_stepped_change"] = lambda: on_stepped(int(st.session_state[key].stepped))
    _frame(
        key=key,
        data={
            "image": image,
            "alt": alt,
            "width": size[0],
            "height": size[1],
            "parts": [asdict(part) for part in parts],
            "drawable": on_drawn is not None,
            "keys": on_closed is not None,
        },
        **handlers,
    )


def show_map(cards: MapCards, *, key: str, on_opened: Callable[[int], None], on_chosen: Callable[[int], None]) -> None:
    """A map to move about in, by wheel, hand and keys. The callbacks get a picture's id, or the number of a place."""
    _map(
        key=key,
        data=asdict(cards),
        on_opened_change=lambda: on_opened(int(st.session_state[key].opened)),
        on_chosen_change=lambda: on_chosen(int(st.session_state[key].chosen)),
    )
