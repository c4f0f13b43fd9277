"""The example of a search: an indexed picture, a part of one, or a picture that the visitor hands in."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import streamlit as st
from PIL import Image

from indexer.errors import PictureError, UsageError
from indexer.regions import Box
from ui.address import go
from ui.cards import Part, colour, edges
from ui.opened import Opened
from ui.originals import upright
from ui.pictures import data_uri
from ui.pieces import frame
from ui.plain import plain
from ui.state import State
from ui.uploads import uploaded_picture

__all__ = ["chip", "example", "upload_view"]

CHIP_SIDE = 72  # pixels


def example(shared: Opened, state: State) -> tuple[Path | Image.Image | None, str]:
    """What to find the like of, and what stands for it. Raises UsageError if it is not there any more.

    The box of an indexed picture is in the state; that of one that was handed in is cut out already.
    """
    if state.like is None:
        picture, box, key = _handed_in()
        return (picture, key) if picture is None or box is None else (_cut(picture, box), f"{key}-{box}")
    record = shared.library.picture(state.like)
    if record is None:
        raise UsageError("The picture to find the like of is not indexed any more.")
    there = next((path for path in record.paths if path.is_file()), record.paths[0])
    return there, record.fingerprint


def chip(shared: Opened, state: State) -> None:
    """What the example is, and a way to be rid of it."""
    if state.like is not None:
        record = shared.library.picture(state.like)
        try:
            image = None if record is None else upright(record, 512)
        except PictureError:
            image = None
        _chip(image, state.box, "this picture", lambda: go(like=None, box=None))
        return
    picture, box, _ = _handed_in()
    if picture is not None:
        _chip(picture, box, "your picture", _drop)


def upload_view() -> None:
    """To hand in a picture, and to choose a part of it."""
    file = st.file_uploader("Find the like of a picture of yours. It is looked at in memory, and not kept.", key="file")
    if file is None:
        return
    content = file.getvalue()
    key = sha256(content).hexdigest()
    if st.session_state.get("file_seen") != key:
        try:
            st.session_state.update(upload=uploaded_picture(content), upload_box=None, file_seen=key)
        except UsageError as error:
            st.error(plain(error))
            return
        go(like=None, box=None)
        st.rerun()
    picture, box, _ = _handed_in()
    if picture is not None:
        _part_of(picture, box)


def _part_of(picture: Image.Image, box: Box | None) -> None:
    frame(
        key="upload_frame",
        image=data_uri(picture),
        alt="Your picture",
        size=picture.size,
        parts=[] if box is None else [Part("this part", 0.0, "", colour(0), edges(box))],
        on_drawn=lambda drawn: st.session_state.update(upload_box=drawn),
    )
    st.caption("Drag a box over a part of it to search for that part alone.")
    if box is not None:
        st.button("The whole picture again", on_click=lambda: st.session_state.update(upload_box=None))


def _handed_in() -> tuple[Image.Image | None, Box | None, str]:
    said = st.session_state
    return said.get("upload"), said.get("upload_box"), said.get("file_seen", "")


def _drop() -> None:
    st.session_state.update(upload=None, upload_box=None)


def _chip(image: Image.Image | None, box: Box | None, what: str, on_removed: Callable[[], None]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if image is not None:
            st.image(image if box is None else _cut(image, box), width=CHIP_SIDE)
        st.markdown(f"Like {'a part of ' if box is not None else ''}{what}", width="content")
        st.button("Remove", icon=":material/close:", key="drop_example", on_click=on_removed)


def _cut(picture: Image.Image, box: Box) -> Image.Image:
    return picture.crop(box.pixels(*picture.size))
