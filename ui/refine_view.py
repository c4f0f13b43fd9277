"""Refining a search: more words, words to leave out, things in their places, and an example picture."""

from hashlib import sha256

import streamlit as st
from PIL import Image

from cosmos_search.query import parse_query
from indexer.errors import UsageError
from indexer.regions import Box
from ui.address import go, here
from ui.cards import Part, colour, edges
from ui.opened import Opened
from ui.pictures import data_uri
from ui.pieces import frame
from ui.plain import plain
from ui.state import State
from ui.uploads import uploaded_picture
from ui.words import placed, with_place, with_word

__all__ = ["refine_view", "upload"]

CANVAS = (3, 2)  # the shape of most photos


def refine_view(shared: Opened, state: State) -> None:
    """What the search is like, with a way out of it, and a drawer with the rest."""
    _example(shared, state)
    with st.expander("Refine", icon=":material/tune:"):
        words, places, example = st.tabs(["Words", "Places", "Your picture"])
        with words:
            _words(state)
        with places:
            _places(state)
        with example:
            _upload_view()


def upload() -> tuple[Image.Image | None, str]:
    """The picture that this visitor handed in, or the part of it that they chose, and what stands for it."""
    picture, key = st.session_state.get("upload", (None, ""))
    box = st.session_state.get("upload_box")
    if picture is None or box is None:
        return picture, key
    return picture.crop(box.pixels(*picture.size)), f"{key}-{box}"


def _example(shared: Opened, state: State) -> None:
    """A chip for the example."""
    if state.like is None and upload()[0] is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if state.like is None:
            picture, _ = upload()
            st.image(picture, width=72)
            st.markdown(
                "Like a part of your picture" if st.session_state.get("upload_box") else "Like your picture",
                width="content",
            )
            st.button("Remove", icon=":material/close:", on_click=_drop_upload)
            return
        record = shared.library.picture(state.like)
        if record is not None and (thumbnail := shared.thumbnails.get(record)) is not None:
            st.image(thumbnail, width=72)
        st.markdown("Like a part of this picture" if state.box else "Like this picture", width="content")
        st.button("Remove", icon=":material/close:", on_click=go, kwargs={"like": None, "box": None})


def _words(state: State) -> None:
    """+ and −, for those who don't know the query language."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("A word or a sentence", key="word", placeholder="people")
        st.button("Also", icon=":material/add:", on_click=_add_word, args=("+",))
        st.button("Not", icon=":material/remove:", on_click=_add_word, args=("-",), disabled=not state.query)
    st.caption(
        "In the search box, `beach + sunset - people` says the same, `2:dog + 0.5:cat` weighs, and "
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
    left, right = st.columns([3, 2])
    with left:
        parts = [_part(text, box, number) for number, (text, box) in enumerate(_placed(state))]
        if drawn is not None:
            parts.append(Part("here", 0.0, "", "#ffffff", edges(drawn)))
        hint = "" if parts else "Drag to mark where something should be"
        frame(
            key="canvas",
            image=None,
            alt=hint,
            size=CANVAS,
            parts=parts,
            on_drawn=lambda box: st.session_state.update(place=box),
        )
    with right:
        st.text_input("What should be there?", key="placed_text", placeholder="a church", disabled=drawn is None)
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


def _upload_view() -> None:
    """A picture of the visitor's, and a part of it."""
    file = st.file_uploader("Find the like of a picture of yours; it is looked at in memory and not kept", key="file")
    if file is None:
        return
    content = file.getvalue()
    key = sha256(content).hexdigest()
    if st.session_state.get("upload", (None, ""))[1] != key and st.session_state.get("dropped") != key:
        try:
            st.session_state.update(upload=(uploaded_picture(content), key), upload_box=None, dropped=None)
        except UsageError as error:
            st.error(plain(error))
            return
        go(like=None, box=None)
        st.rerun()
    picture, _ = st.session_state.get("upload", (None, ""))
    if picture is None:
        return
    _upload_frame(picture)


def _upload_frame(picture: Image.Image) -> None:
    box: Box | None = st.session_state.get("upload_box")
    parts = [] if box is None else [Part("this part", 0.0, "", colour(0), edges(box))]
    frame(
        key="upload_frame",
        image=data_uri(picture),
        alt="Your picture",
        size=picture.size,
        parts=parts,
        on_drawn=lambda drawn: st.session_state.update(upload_box=drawn),
    )
    st.caption("Drag over a part to search for that alone.")
    if box is not None:
        st.button("The whole picture again", on_click=lambda: st.session_state.update(upload_box=None))


def _drop_upload() -> None:
    st.session_state.update(dropped=st.session_state["upload"][1], upload=(None, ""), upload_box=None)


def _part(text: str, box: Box, number: int) -> Part:
    return Part(text, 0.0, "", colour(number), edges(box))
