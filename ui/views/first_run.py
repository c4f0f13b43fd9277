"""The first page of a newcomer: from an empty index to a first result."""

from importlib.resources import files
from pathlib import Path

import streamlit as st

from ui.session.shared import SharedResources
from ui.views.indexing import show_add_folder, show_progress, start_indexing

__all__ = ["show_first_run"]

PHOTOS = Path(str(files("cosmos_search") / "data" / "photos"))


def show_first_run(shared: SharedResources) -> None:
    """What this is, and two ways to begin."""
    st.session_state["is_new_here"] = True
    st.title("Find your pictures by what is in them")
    st.markdown(
        "Say what you are looking for, in sentences. The page shows which pictures have it, and **where**; "
        "or that nothing has. Your pictures stay on this machine, as they are."
    )
    st.markdown("**1. Index a folder.** It is read once, and nothing in it is changed.")
    show_add_folder(shared)
    if not shared.indexing.is_running:
        st.button(
            "Or try it with the photos that come with the program",
            icon=":material/photo_library:",
            on_click=start_indexing,
            args=(shared, (PHOTOS,)),
        )
    show_progress(shared, is_first=True)
    st.markdown("**2. Search.** The page goes on by itself as soon as the first pictures are there.")
