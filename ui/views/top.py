"""The top of the page: its name, the search box with suggestions, the views, and a note while indexing is running."""

from collections.abc import Mapping

import streamlit as st

from ui.components.components import show_search_helper
from ui.counts import format_count
from ui.session.address import bind_widget, go, show_choice
from ui.session.login import get_own_ticket
from ui.session.shared import SharedResources
from ui.session.state import MAX_TEXT, State
from ui.session.suggestions import CHANGES
from ui.views.indexing import describe_job

__all__ = ["show_top"]

REFRESH_S = 2.0
SEEN = "job_with_seen_failures"  # key in the session


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
    show_search_helper(get_own_ticket(), state.query, key="search_helper", on_filter=_set_filters)
    if state.view != "library" and shared.library.n_pictures():  # else there is more about it below
        show_note = st.fragment(_show_indexing_note, run_every=REFRESH_S if shared.indexing.is_running else None)
        show_note(shared)


def _set_filters(changes: Mapping[str, object]) -> None:
    """Callback of a suggestion; values come from the browser."""
    go(view="search", album=None, **{name: str(changes[name])[:MAX_TEXT] for name in CHANGES & changes.keys()})


def _show_indexing_note(shared: SharedResources) -> None:
    job = shared.indexing.job
    if job is None:
        return
    if job.is_running:
        more = ". New pictures are found as soon as they are indexed." if "index" in job.steps else ""
        st.caption(f":material/sync: {describe_job(job)}{more}")
    elif job.report is not None and job.report.failed and st.session_state.get(SEEN) is not job:
        n = len(job.report.failed)
        label = f"{format_count(n, 'file')} could not be read. What to do"
        if st.button(label, icon=":material/warning:", type="tertiary", key="see_failures"):
            st.session_state[SEEN] = job
            go(view="library", picture=None)
            st.rerun()  # of the whole page: this is a fragment
