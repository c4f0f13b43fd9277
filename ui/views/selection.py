"""Downloads and albums of the selected pictures."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from ui.files.downloads import MAX_ZIP_BYTES, format_csv, format_json, make_zip, sum_file_sizes
from ui.session.shared import SharedResources
from ui.views.albums import show_add_to_album

__all__ = ["show_selection"]


def show_selection(shared: SharedResources) -> None:
    """A bar with buttons at the lower edge of the window; hidden if nothing is selected."""
    ids: Sequence[int] = st.session_state.get("selected", ())
    if not ids:
        return
    with st.container(horizontal=True, vertical_alignment="center", border=True, key="selection"):
        st.markdown(f"**{len(ids)} selected**", width="content")
        pictures = shared.library.pictures(ids)
        show_add_to_album(shared)
        is_too_large = sum_file_sizes(pictures) > MAX_ZIP_BYTES
        st.download_button(
            "Download ZIP",
            partial(make_zip, pictures),  # made when the button is clicked
            "pictures.zip",
            "application/zip",
            on_click="ignore",
            icon=":material/folder_zip:",
            disabled=is_too_large,
            help=f"The selection is larger than {MAX_ZIP_BYTES >> 20} MB; download a list instead."
            if is_too_large
            else None,
        )
        st.download_button("List as CSV", format_csv(pictures), "pictures.csv", "text/csv", on_click="ignore")
        st.download_button(
            "List as JSON", format_json(pictures), "pictures.json", "application/json", on_click="ignore"
        )
        st.button("Clear selection", icon=":material/close:", on_click=lambda: st.session_state.update(selected=[]))
