"""The start page for an empty index: index a folder, then search."""

from importlib.resources import files
from pathlib import Path

import streamlit as st

from ui.session.shared import SharedResources
from ui.views.indexing import show_add_folder, show_progress, start_indexing

__all__ = ["show_first_run"]

PHOTOS = Path(str(files("cosmos_search") / "data" / "photos"))


def show_first_run(shared: SharedResources) -> None:
    """A short introduction, and two ways to start: a folder, or the demo photos."""
    st.session_state["is_new_here"] = True
    st.title("Find your pictures by their content")
    st.markdown(
        "Describe what you are looking for in a few sentences. The page shows the matching pictures and **where** in "
        "each picture the match is. Your pictures stay on the computer that runs this page and are not changed."
    )
    st.markdown("**1. Index a folder.** Enter a folder on that computer.")
    show_add_folder(shared)
    if not shared.indexing.is_running:
        st.button(
            "Or use the demo photos",
            icon=":material/photo_library:",
            on_click=start_indexing,
            args=(shared, (PHOTOS,)),
        )
    show_progress(shared, is_first=True)
    st.markdown("**2. Search.** The search opens as soon as the first pictures are indexed.")
