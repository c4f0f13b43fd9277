"""The start page for an empty index: index a folder, then search."""

from importlib.resources import files
from pathlib import Path

import streamlit as st

from ui.session.shared import SharedResources
from ui.views.choose_folder import show_folder_chooser
from ui.views.encoder import show_first_model_choice, start_first
from ui.views.failures import show_failures
from ui.views.indexing import show_progress

__all__ = ["show_first_run"]

PHOTOS = Path(str(files("cosmos_search") / "data" / "photos"))


def show_first_run(shared: SharedResources) -> None:
    """A short introduction, and two ways to start: a folder, or the demo photos."""
    st.session_state["is_new_here"] = True
    st.header("Find your pictures by their content", anchor=False)
    st.markdown(
        "Describe what you are looking for in a few sentences. The page shows the matching pictures and **where** in "
        "each picture the match is. Your pictures stay on the computer that runs this page and are not changed."
    )
    if shared.indexing.is_running:
        st.markdown("The search opens as soon as the first pictures are indexed.")
        show_progress(shared, is_first=True)
        return
    if shared.library.n_pictures():  # the job has ended since this page was chosen
        st.rerun()
    show_progress(shared)
    if shared.library.exists():
        show_failures(shared.library.info().failed)
    st.markdown("**Choose a folder on that computer, and index it**")
    show_folder_chooser(
        lambda folders: start_first(shared, folders), is_busy=False, show_options=show_first_model_choice
    )
    st.button("Or use the demo photos", icon=":material/photo_library:", on_click=start_first, args=(shared, (PHOTOS,)))
