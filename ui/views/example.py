"""Example pictures for a search: an indexed picture, an upload, or a part of either."""

import io
from collections.abc import Callable
from hashlib import sha256

import streamlit as st
from PIL import Image

from cosmos_search.service.uploads import read_upload
from indexer.errors import UsageError
from indexer.pictures.regions import Box
from ui.components.cards import Part, get_colour, get_edges
from ui.components.components import show_frame
from ui.components.data_uri import encode_data_uri, make_image_html
from ui.session.address import go
from ui.session.results import crop
from ui.session.shared import SharedResources
from ui.session.state import State
from ui.views.advice import show_error

__all__ = ["get_upload_key", "show_example_chip", "show_upload"]

CHIP_SIDE = 72


def get_upload_key(shared: SharedResources, state: State) -> str | None:
    """The key under which `shared` has the uploaded picture, or the selected part of it; None if it is not used."""
    picture, box = _get_upload()
    if picture is None or state.similar_to is not None:
        return None
    key = f"{st.session_state['upload_key']}-{box}"
    shared.uploads.get(key, lambda: crop(picture, box))
    return key


def show_example_chip(shared: SharedResources, state: State) -> None:
    """The current example with a button to remove it."""
    if state.similar_to is not None:
        record = shared.library.picture(state.similar_to)
        data = None if record is None else shared.thumbnails.get(record)
        image = None if data is None else Image.open(io.BytesIO(data))
        _show_chip(image, state.box, "this picture", lambda: go(similar_to=None))
        return
    picture, box = _get_upload()
    if picture is not None:
        _show_chip(picture, box, "your picture", _drop_upload, lambda: _show_part_selector(picture, box))


def show_upload() -> None:
    """Upload of an example picture."""
    key = f"file_{st.session_state.get('n_dropped', 0)}"  # a new key makes an empty uploader
    st.file_uploader(
        "Find pictures similar to one of your own. It is processed in memory and not stored.",
        key=key,
        on_change=_store_upload,
        args=(key,),
    )
    if (error := st.session_state.pop("upload_error", None)) is not None:
        show_error(error)


def _store_upload(key: str) -> None:
    """Callback of the uploader: store the uploaded picture in the session, or remove it."""
    file = st.session_state[key]
    st.session_state.update(upload=None, upload_box=None)
    if file is None:
        return
    content = file.getvalue()
    try:
        st.session_state.update(upload=read_upload(content), upload_key=sha256(content).hexdigest())
    except UsageError as error:
        st.session_state["upload_error"] = error
        return
    st.session_state["n_uploads"] = st.session_state.get("n_uploads", 0) + 1
    go(similar_to=None)


def _drop_upload() -> None:
    st.session_state.update(upload=None, upload_box=None, n_dropped=st.session_state.get("n_dropped", 0) + 1)


def _get_upload() -> tuple[Image.Image | None, Box | None]:
    return st.session_state.get("upload"), st.session_state.get("upload_box")


def _show_part_selector(picture: Image.Image, box: Box | None) -> None:
    show_frame(
        key="upload_frame",
        image=encode_data_uri(picture),
        alt="Your picture",
        size=picture.size,
        parts=[] if box is None else [Part("this part", 0.0, "", get_colour(0), get_edges(box))],
        on_draw=_set_part,
    )
    st.caption("Drag a box over a part of the picture to search for that part only.")
    if box is not None:
        st.button("Use the whole picture", on_click=_set_part, args=(None,))


def _set_part(box: Box | None) -> None:
    st.session_state.update(upload_box=box, n_parts=st.session_state.get("n_parts", 0) + 1)


def _show_chip(
    image: Image.Image | None,
    box: Box | None,
    name: str,
    on_remove: Callable[[], None],
    show_selector: Callable[[], None] | None = None,
) -> None:
    """show_selector: selects a part of the picture."""
    with st.container(horizontal=True, vertical_alignment="center", key="example"):
        if image is not None:
            uri = encode_data_uri(crop(image, box).convert("RGB"))
            st.html(make_image_html(uri, "The example", CHIP_SIDE), width="content")
        st.markdown(f"Similar to {'a part of ' if box is not None else ''}{name}", width="content")
        if show_selector is not None:
            # A new key closes it after a part was selected.
            key = f"select_part_{st.session_state.get('n_parts', 0)}"
            with st.popover("Select a part", icon=":material/crop_free:", key=key):
                show_selector()
        st.button("Remove", icon=":material/close:", key="drop_example", on_click=on_remove)
