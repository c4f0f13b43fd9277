"""The Library view: indexed folders, indexing progress, text in pictures, unreadable files, the encoder."""

from pathlib import Path

import streamlit as st

from cosmos_search.opened_index import Info
from indexer.errors import CosmosSearchError
from ui.counts import format_count
from ui.escape import escape_markdown
from ui.session.shared import SharedResources
from ui.session.state import State
from ui.views.choose_folder import ERROR, show_folder_chooser
from ui.views.encoder import show_encoder
from ui.views.failures import show_failures
from ui.views.indexing import show_progress, start_indexing
from ui.views.texts import show_text_switch

__all__ = ["show_library"]


def show_library(shared: SharedResources, state: State) -> None:
    """The whole view: folders, progress, failed files, the encoder. Searching works while indexing is running."""
    st.subheader("Folders on the computer that runs this page")
    info = shared.library.info() if shared.library.exists() else None
    if info is not None:
        _show_folders(shared, info)
    with st.expander("Add a folder", icon=":material/create_new_folder:", expanded=info is None or not info.folders):
        show_folder_chooser(lambda folders: start_indexing(shared, folders), is_busy=shared.indexing.is_running)
    show_progress(shared)
    if info is None:
        return
    if not shared.indexing.is_running:
        show_failures(info.failed)
    if info.n_pictures:
        show_text_switch(shared)
    show_encoder(shared, info)


def _show_folders(shared: SharedResources, info: Info) -> None:
    is_busy = shared.indexing.is_running
    for folder in info.folders:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            failed = f", {folder.n_failed:,} failed" if folder.n_failed else ""
            files = format_count(folder.n_pictures, "file")
            st.markdown(f"**{escape_markdown(folder.path)}** &nbsp; {files}{failed}")
            with st.popover("Remove", disabled=is_busy):
                st.markdown("Removes the pictures of this folder from the index. The files are not changed.")
                st.button(
                    "Remove from index", key=f"remove_{folder.id}", on_click=_remove_folder, args=(shared, folder.path)
                )
    if info.folders:
        st.button(
            "Check for changes", icon=":material/refresh:", disabled=is_busy, on_click=start_indexing, args=(shared,)
        )


def _remove_folder(shared: SharedResources, folder: Path) -> None:
    try:
        shared.library.remove(folder)
    except CosmosSearchError as error:
        st.session_state[ERROR] = error
