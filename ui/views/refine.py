"""Refine a search: add or exclude words, place things in the picture, add an example picture."""

import streamlit as st

from cosmos_search.retrieval.compose import add_place, add_word, list_placed_terms
from cosmos_search.retrieval.query import parse_query
from indexer.errors import UsageError
from indexer.pictures.regions import Box
from ui.components.cards import Part, get_colour, get_edges
from ui.components.components import show_frame
from ui.session.address import go, read_state
from ui.session.state import MAX_TEXT, State
from ui.views.example import show_upload

__all__ = ["show_refine"]

CANVAS = (3, 2)  # aspect ratio of most photos


def show_refine(state: State) -> None:
    """A button that opens the options."""
    # A new key closes it: after an upload it would cover the example and the results.
    key = f"refine_{st.session_state.get('n_uploads', 0)}"
    with st.popover("Refine", icon=":material/tune:", width="content", key=key):
        words, positions, picture = st.tabs(["Words", "Positions", "Your picture"])
        with words:
            _show_words(state)
        with positions:
            _show_positions(state)
        with picture:
            show_upload()


def _show_words(state: State) -> None:
    """Add or exclude words without knowing the query syntax."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Word or sentence", key="word", placeholder="people", max_chars=MAX_TEXT)
        st.button("Add", icon=":material/add:", on_click=_add_word, args=("+",))
        st.button("Exclude", icon=":material/remove:", on_click=_add_word, args=("-",), disabled=not state.query)
    st.caption(
        "The same in the search box: `a building + a tower - a rocket`. Weights: `2:dog + 0.5:cat`. "
        "Positions: `a car @left. a church @top-right`."
    )


def _add_word(sign: str) -> None:
    word = st.session_state["word"].strip()
    if word:
        st.session_state["word"] = ""
        go(query=add_word(read_state().query, sign, word))


def _show_positions(state: State) -> None:
    """A canvas to draw where something should be, and a field for what it is."""
    drawn: Box | None = st.session_state.get("place")
    parts = [
        Part(text, 0.0, "", get_colour(i), get_edges(box)) for i, (text, box) in enumerate(_parse_placed_terms(state))
    ]
    if drawn is not None:
        parts.append(Part("here", 0.0, "", "#ffffff", get_edges(drawn)))
    show_frame(
        key="canvas",
        image=None,
        alt="" if parts else "Drag a box where something should be",
        size=CANVAS,
        parts=parts,
        on_draw=lambda box: st.session_state.update(place=box),
    )
    st.text_input(
        "What should be there?", key="placed_text", placeholder="a church", max_chars=MAX_TEXT, disabled=drawn is None
    )
    st.button("Add to search", on_click=_add_place, disabled=drawn is None, type="primary")


def _parse_placed_terms(state: State) -> list[tuple[str, Box]]:
    try:
        return list_placed_terms(parse_query(state.query)) if state.query else []
    except UsageError:
        return []


def _add_place() -> None:
    text, box = st.session_state["placed_text"].strip(), st.session_state.get("place")
    if text and box is not None:
        st.session_state.update(placed_text="", place=None)
        go(query=add_place(read_state().query, text, box))
