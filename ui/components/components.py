"""Streamlit components of the page: a grid of cards, a picture with boxes, a map of pictures.

Each has its CSS and JavaScript beside this file, without a build step. Data is inserted as text and data URIs, never as
HTML.
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
    css, shared, js = ((HERE / file).read_text(encoding="utf-8") for file in (f"{name}.css", "nodes.js", f"{name}.js"))
    return st.components.v2.component(f"cosmos_search_{name}", html=html, css=css, js=f"{shared}\n{js}")


_grid = _register_component("grid", '<div class="grid" role="list"></div>')
_frame = _register_component("frame", '<div class="holder"></div>')
_map = _register_component(
    "map", '<div class="map" tabindex="0" role="application" aria-label="Map of pictures"></div>'
)


def show_grid(
    cards: Sequence[Card],
    *,
    key: str,
    on_open: Callable[[int], None],
    on_find_similar: Callable[[int], None],
    on_select: Callable[[Sequence[int]], None],
    selected: Sequence[int] = (),
    show_boxes: bool = True,
) -> None:
    """A grid of cards. Arrow keys move the focus, Enter opens, space selects.

    on_open, on_find_similar: get the id of a picture. on_select: gets all selected ids, including those of other pages.
    """
    _grid(
        key=key,
        data={"cards": [asdict(card) for card in cards], "selected": list(selected), "boxes": show_boxes},
        on_open_change=lambda: on_open(int(st.session_state[key].open)),
        on_similar_change=lambda: on_find_similar(int(st.session_state[key].similar)),
        on_selected_change=lambda: on_select([int(id_) for id_ in st.session_state[key].selected]),
    )


def show_frame(
    *,
    key: str,
    image: str | None,
    alt: str,
    size: tuple[int, int],
    parts: Sequence[Part] = (),
    on_draw: Callable[[Box], None] | None = None,
    on_close: Callable[[], None] | None = None,
    on_step: Callable[[int], None] | None = None,
) -> None:
    """A picture with the boxes of its parts; without an image, a blank canvas with the text `alt`.

    image: a data URI. size: width and height, for the aspect ratio. on_draw: gets each box that is drawn.
    on_close: called for Esc. on_step: called for the left (-1) and the right (1) arrow key.
    """
    handlers: dict[str, Callable[[], None]] = {}
    if on_draw is not None:
        handlers["on_box_change"] = lambda: on_draw(Box(*map(float, st.session_state[key].box)))
    if on_close is not None:
        handlers["on_close_change"] = on_close
    if on_step is not None:
        handlers["on_step_change"] = lambda: on_step(int(st.session_state[key].step))
    _frame(
        key=key,
        data={
            "image": image,
            "alt": alt,
            "width": size[0],
            "height": size[1],
            "parts": [asdict(part) for part in parts],
            "drawable": on_draw is not None,
            "keys": on_close is not None,
        },
        **handlers,
    )


def show_map(
    cards: MapCards, *, key: str, on_open: Callable[[int], None], on_select_cluster: Callable[[int], None]
) -> None:
    """A map of pictures. on_open gets the id of a picture, on_select_cluster the index of a cluster."""
    _map(
        key=key,
        data=asdict(cards),
        on_open_change=lambda: on_open(int(st.session_state[key].open)),
        on_cluster_change=lambda: on_select_cluster(int(st.session_state[key].cluster)),
    )
