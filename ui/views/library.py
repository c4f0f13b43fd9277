"""The Library view: indexed folders, indexing progress, unreadable files, models."""

from pathlib import Path

import streamlit as st

from cosmos_search.library import Info
from cosmos_search.models.install import list_models
from cosmos_search.models.store import default_store
from indexer.errors import CosmosSearchError, OtherEncoderError
from ui.escape import escape_markdown, replace_surrogates
from ui.files.downloads import format_failed_csv
from ui.session.shared import SharedResources
from ui.session.state import State
from ui.views.advice import show_error
from ui.views.indexing import show_add_folder, show_progress, start_indexing

__all__ = ["show_library"]

MAX_FAILED = 1000  # rows shown


def show_library(shared: SharedResources, state: State) -> None:
    """The whole view: folders, progress, failed files, models. Searching works while indexing is running."""
    st.subheader("Folders on the computer that runs this page")
    show_add_folder(shared)
    show_progress(shared)
    if not shared.library.exists():
        return
    info = shared.library.info()
    _show_folders(shared, info)
    _show_failed_files(info)
    _show_models(info)


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


def _show_models(info: Info) -> None:
    st.subheader("Model")
    if info.encoder is not None:
        sizes = sum(info.size_bytes.values()) / 1e6
        st.markdown(
            f"Model of this index: **{escape_markdown(info.encoder.name)}** ({escape_markdown(info.encoder.regions)} "
            f"regions), {info.n_pictures:,} pictures, {sizes:,.1f} MB on disk."
        )
        if info.needs_rebuild:
            show_error(OtherEncoderError(info.encoder.name, info.encoder.name))
    rows = [row for row in list_models(default_store()) if row.size_bytes is not None]
    st.dataframe(
        {
            "installed": [row.name for row in rows],
            "network": [row.network for row in rows],
            "trained on": [row.trained_on for row in rows],
        },
        hide_index=True,
    )
    st.caption(
        "To install models or to change the model of this index, use the command line on the computer that runs this "
        "page. The page uses the old model until all pictures are indexed with the new one."
    )
