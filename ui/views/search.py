"""The Search view: filters, refinements, and the grid of results."""

import streamlit as st

from cosmos_search.retrieval.language import describe_language
from indexer.errors import UsageError
from ui.escape import escape_markdown
from ui.session.address import bind_widget, go, show_choice
from ui.session.results import N_SORTED, find_example, find_first, is_by_date, is_search
from ui.session.shared import SharedResources
from ui.session.state import State
from ui.views.advice import show_error
from ui.views.albums import show_album_heading, show_save_search
from ui.views.example import get_upload_key, show_example_chip
from ui.views.filters import show_filters
from ui.views.grid import show_results_grid
from ui.views.no_results import show_no_results
from ui.views.place import show_place_chip
from ui.views.refine import show_refine
from ui.views.selection import show_selection

__all__ = ["show_search"]

EXAMPLE_QUERIES = ("A cat.", "A man with a camera. A tripod.", "A motorcycle.", "A zebra crossing.")


def show_search(shared: SharedResources, state: State) -> None:
    """The whole view, below the search box."""
    tools = st.container(horizontal=True, vertical_alignment="center", key="tools")
    with tools:
        show_filters(shared, state)
        show_refine(state)
    show_example_chip(shared, state)
    show_place_chip(shared, state)
    _show_example_queries(state)
    upload = get_upload_key(shared, state)
    try:
        example = find_example(shared, state, upload)
        results = find_first(shared, state, example)
    except UsageError as error:
        show_error(error)
        return
    if state.query and (note := describe_language(shared.library.encoder, state.query)):
        st.caption(escape_markdown(note))
    if not results.pictures:
        show_no_results(shared, state)
        if state.picture is None:
            return
    with tools:
        _show_heading(shared, state, is_search=is_search(state, example))
    show_results_grid(shared, state, results, upload, by_date=is_by_date(state, example))
    show_selection(shared)


def _show_example_queries(state: State) -> None:
    if st.session_state.get("is_new_here") and not state.query:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("For example:", width="content")
            for text in EXAMPLE_QUERIES:
                st.button(text, on_click=go, kwargs={"query": text})


def _show_heading(shared: SharedResources, state: State, *, is_search: bool) -> None:
    """Title of the results, with display options."""
    if state.album is not None:
        show_album_heading(shared, state)
    elif not is_search:
        st.markdown("**Newest pictures**", width="content")
    elif state.sort == "date":
        st.markdown(f"**Best matches** (at most {N_SORTED:,}), newest first", width="content")
    elif not state.query and not state.all:
        st.markdown("**Similar pictures**", width="content")
    else:
        st.markdown("**Nearest matches**" if state.all else "**Best matches**", width="content")
    if is_search:
        show_choice("Sort", "sort", state.sort, {"score": "Best first", "date": "Newest first"})
        _show_switch("Regions", "where", state.where)
    _show_switch("Names", "names", state.names)
    if state.query and state.similar_to is None:
        show_save_search(shared, state)


def _show_switch(label: str, name: str, value: bool) -> None:
    key = bind_widget(name, value)
    st.toggle(label, key=key, on_change=lambda: go(**{name: st.session_state[name]}))
