"""Refining a search: more words, words to leave out, things in their places, and an example picture."""

import streamlit as st

from cosmos_search.retrieval.compose import placed, with_place, with_word
from cosmos_search.retrieval.query import parse_query
from indexer.errors import UsageError
from indexer.pictures.regions import Box
from ui.components.cards import Part, colour, edges
from ui.components.components import frame
from ui.session.address import go, here
from ui.session.shared import Opened
from ui.session.state import MAX_TEXT, State
from ui.views.example import chip, upload_view

__all__ = ["refine_view"]

CANVAS = (3, 2)  # the shape of most photos


def refine_view(shared: Opened, state: State) -> None:
    """A drawer with the means, and below it the example that is searched for."""
    with st.expander("Refine", icon=":material/tune:"):
        words, places, picture = st.tabs(["Words", "Places", "Your picture"])
        with words:
            _words(state)
        with places:
            _places(state)
        with picture:
            upload_view(state)
    chip(shared, state)


def _words(state: State) -> None:
    """+ and −, for those who don't know the query language."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("A word or a sentence", key="word", placeholder="people", max_chars=MAX_TEXT)
        st.button("Also", icon=":material/add:", on_click=_add_word, args=("+",))
        st.button("Not", icon=":material/remove:", on_click=_add_word, args=("-",), disabled=not state.query)
    st.caption(
        "In the search box `beach + sunset - people` says the same, `2:dog + 0.5:cat` weighs, and "
        "`a car @left. a church @top-right` looks in places."
    )


def _add_word(sign: str) -> None:
    word = st.session_state["word"].strip()
    if word:
        st.session_state["word"] = ""
        go(query=with_word(here().query, sign, word))


def _places(state: State) -> None:
    """A canvas: draw where something should be, then say what."""
    drawn: Box | None = st.session_state.get("place")
    parts = [Part(text, 0.0, "", colour(i), edges(box)) for i, (text, box) in enumerate(_placed(state))]
    if drawn is not None:
        parts.append(Part("here", 0.0, "", "#ffffff", edges(drawn)))
    left, right = st.columns([3, 2])
    with left:
        frame(
            key="canvas",
            image=None,
            alt="" if parts else "Drag a box where something should be",
            size=CANVAS,
            parts=parts,
            on_drawn=lambda box: st.session_state.update(place=box),
        )
    with right:
        st.text_input(
            "What should be there?",
            key="placed_text",
            placeholder="a church",
            max_chars=MAX_TEXT,
            disabled=drawn is None,
        )
        st.button("Add to the search", on_click=_add_place, disabled=drawn is None, type="primary")


def _placed(state: State) -> list[tuple[str, Box]]:
    try:
        return placed(parse_query(state.query)) if state.query else []
    except UsageError:
        return []


def _add_place() -> None:
    text, box = st.session_state["placed_text"].strip(), st.session_state.get("place")
    if text and box is not None:
        st.session_state.update(placed_text="", place=None)
        go(query=with_place(here().query, text, box))
