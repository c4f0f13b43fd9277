"""The library: its folders, indexing as it goes on, files that could not be read, and models."""

from pathlib import Path

import streamlit as st

from cosmos_search.library import Info
from cosmos_search.models.install import list_models
from cosmos_search.models.store import default_shelf
from indexer.errors import CosmosSearchError
from ui.escape import escape_markdown, replace_surrogates
from ui.session.shared import SharedResources
from ui.session.state import State
from ui.views.indexing import show_add_folder, show_progress, start_indexing

__all__ = ["show_library"]

MAX_FAILED = 1000  # shown


def show_library(shared: SharedResources, state: State) -> None:
    """The whole view; searching goes on meanwhile."""
    st.subheader("Folders on the machine that runs this page")
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
            with st.popover("Forget", disabled=is_busy):
                st.markdown("Its pictures will not be found any more. The files stay as they are.")
                st.button(
                    "Forget this folder", key=f"forget_{folder.id}", on_click=_remove_folder, args=(shared, folder.path)
                )
    if info.folders:
        st.button(
            "Look for changes", icon=":material/refresh:", disabled=is_busy, on_click=start_indexing, args=(shared, ())
        )


def _remove_folder(shared: SharedResources, folder: Path) -> None:
    try:
        shared.library.remove(folder)
    except CosmosSearchError as error:
        st.session_state["add_problem"] = str(error)


def _show_failed_files(info: Info) -> None:
    n = len(info.failed)
    if not n:
        return
    with st.expander(f"{n:,} {'file' if n == 1 else 'files'} could not be read", icon=":material/warning:"):
        shown = info.failed[:MAX_FAILED]
        st.dataframe(
            {
                "file": [replace_surrogates(one.path) for one in shown],
                "why": [replace_surrogates(one.reason) for one in shown],
            },
            hide_index=True,
        )
        if n > MAX_FAILED:
            st.caption(f"The first {MAX_FAILED:,}; all of them: `cosmos-search info --json`")


def _show_models(info: Info) -> None:
    st.subheader("Model")
    if info.encoder is not None:
        sizes = sum(info.size_bytes.values()) / 1e6
        st.markdown(
            f"This index was made with **{escape_markdown(info.encoder.name)}** ({escape_markdown(info.encoder.regions)} regions): "
            f"{info.n_pictures:,} pictures, {sizes:,.1f} MB on disk."
        )
    rows = [row for row in list_models(default_shelf()) if row.size_bytes is not None]
    st.dataframe(
        {
            "installed": [row.name for row in rows],
            "network": [row.network for row in rows],
            "learned from": [row.trained_on for row in rows],
        },
        hide_index=True,
    )
    st.caption(
        "More models: `cosmos-search models`. Changing over to one: `cosmos-search index --model NAME --rebuild`; "
        "this page goes on with the old one until the new one is done."
    )
