"""The Library view: indexed folders, indexing progress, unreadable files, the encoder."""

from pathlib import Path

import streamlit as st

from cosmos_search.opened_index import Info
from indexer.errors import CosmosSearchError
from ui.escape import escape_markdown, replace_surrogates
from ui.files.downloads import format_failed_csv
from ui.session.shared import SharedResources
from ui.session.state import State
from ui.views.encoder import show_encoder
from ui.views.indexing import show_add_folder, show_progress, start_indexing

__all__ = ["show_library"]

MAX_FAILED = 1000  # rows shown


def show_library(shared: SharedResources, state: State) -> None:
    """The whole view: folders, progress, failed files, the encoder. Searching works while indexing is running."""
    st.subheader("Folders on the computer that runs this page")
    show_add_folder(shared)
    show_progress(shared)
    if not shared.library.exists():
        return
    info = shared.library.info()
    _show_folders(shared, info)
    _show_failed_files(info)
    show_encoder(shared, info)


def _show_folders(shared: SharedResources, info: Info) -> None:
    is_busy = shared.indexing.is_running
    for folder in info.folders:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            failed = f", {folder.n_failed:,} failed" if folder.n_failed else ""
            st.markdown(f"**{escape_markdown(folder.path)}** &nbsp; {folder.n_pictures:,} files{failed}")
            with st.popover("Remove", disabled=is_busy):
                st.markdown("Removes the pictures of this folder from the index. The files are not changed.")
                st.button(
                    "Remove from index", key=f"remove_{folder.id}", on_click=_remove_folder, args=(shared, folder.path)
                )
    if info.folders:
        st.button(
            "Check for changes", icon=":material/refresh:", disabled=is_busy, on_click=start_indexing, args=(shared, ())
        )


def _remove_folder(shared: SharedResources, folder: Path) -> None:
    try:
        shared.library.remove(folder)
    except CosmosSearchError as error:
        st.session_state["folder_error"] = error


def _show_failed_files(info: Info) -> None:
    n = len(info.failed)
    if not n:
        return
    with st.expander(f"{n:,} {'file' if n == 1 else 'files'} could not be read", icon=":material/warning:"):
        rows = info.failed[:MAX_FAILED]
        st.dataframe(
            {
                "file": [replace_surrogates(failure.path) for failure in rows],
                "reason": [replace_surrogates(failure.reason) for failure in rows],
            },
            hide_index=True,
        )
        if n > MAX_FAILED:
            st.caption(f"The first {MAX_FAILED:,} are shown.")
            st.download_button(
                "Full list as CSV", format_failed_csv(info.failed), "failed.csv", "text/csv", on_click="ignore"
            )
