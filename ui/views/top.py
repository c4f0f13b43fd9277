"""The top of the page: its name, the search box with suggestions, the views, and a note while indexing is running."""

from collections.abc import Mapping

import streamlit as st

from ui.components.components import show_search_helper
from ui.session.address import bind_widget, go, show_choice
from ui.session.login import get_own_ticket
from ui.session.shared import SharedResources
from ui.session.state import MAX_TEXT, State

__all__ = ["show_top"]

REFRESH_S = 2.0


def show_top(shared: SharedResources, state: State, labels: Mapping[str, str]) -> None:
    """labels: of the views."""
    with st.container(horizontal=True, vertical_alignment="center", key="top"):
        st.html('<h1 class="app-name">cosmos-search</h1>', width="content")
        st.text_input(
            "Search",
            key=bind_widget("query", state.query),
            placeholder="What is in the picture?  A dog on a sofa. A red lamp.",
            on_change=lambda: go(view="search", album=None, query=st.session_state["query"].strip()),
            max_chars=MAX_TEXT,
            label_visibility="collapsed",
            icon=":material/search:",
        )
        show_choice("View", "view", state.view, labels, picture=None)
    show_search_helper(get_own_ticket(), key="search_helper")
    if state.view != "library":
        show_note = st.fragment(_show_indexing_note, run_every=REFRESH_S if shared.indexing.is_running else None)
        show_note(shared)


def _show_indexing_note(shared: SharedResources) -> None:
    job = shared.indexing.job
    if job is None or not job.is_running:
        return
    n_done = 0 if job.report is None else job.report.n_done
    total = "" if job.n_files is None else f" of {job.n_files:,}"
    st.caption(
        f":material/sync: Indexing: {n_done:,}{total} files. New pictures are found as soon as they are indexed."
    )
