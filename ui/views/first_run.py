"""The first page of a newcomer: from an empty index to a first result."""

from importlib.resources import files
from pathlib import Path

import streamlit as st

from ui.session.shared import Opened
from ui.views.indexing import add_folder, progress, start

__all__ = ["first_run"]

PHOTOS = Path(str(files("cosmos_search") / "data" / "photos"))


def first_run(shared: Opened) -> None:
    """What this is, and two ways to begin."""
    st.session_state["is_new_here"] = True
    st.title("Find your pictures by what is in them")
    st.markdown(
        "Say what you are looking for, in sentences. The page shows which pictures have it, and **where**; "
        "or that nothing has. Your pictures stay on this machine, as they are."
    )
    st.markdown("**1. Index a folder.** It is read once, and nothing in it is changed.")
    add_folder(shared)
    if not shared.work.is_running:
        st.button(
            "Or try it with the photos that come with the program",
            icon=":material/photo_library:",
            on_click=start,
            args=(shared, (PHOTOS,)),
        )
    progress(shared, is_first=True)
    st.markdown("**2. Search.** The page goes on by itself as soon as the first pictures are there.")
