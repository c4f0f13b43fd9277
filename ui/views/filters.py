"""Filters, with the number of pictures for each value."""

import re
from collections.abc import Callable, Sequence

import streamlit as st

from indexer.errors import CosmosSearchError
from indexer.store.facets import Count
from ui.counts import format_count
from ui.escape import escape_markdown, replace_surrogates
from ui.session.address import bind_widget, go
from ui.session.shared import SharedResources
from ui.session.state import MAX_TEXT, State

__all__ = ["LABELS", "show_filters"]

ANY = ""
MAX_SHOWN = 24  # characters of a value on the button
YEAR = re.compile("[0-9]{4}")
# Of the fields of a state that are filters.
LABELS = {
    "after": "From",
    "before": "Before",
    "folder": "Folder",
    "camera": "Camera",
    "min_size": "At least",
    "orientation": "Orientation",
    "near": "Near",
}
CLEARED = dict.fromkeys(LABELS, "")


def show_filters(shared: SharedResources, state: State) -> None:
    """All filters. Invalid ones are ignored in the counts; the search view shows the error."""
    try:
        filters = state.filters
    except CosmosSearchError:
        filters = None
    set_ = [getattr(state, name) for name in CLEARED if getattr(state, name)]
    label = "Filters: " + ", ".join(map(_shorten, set_)) if set_ else "Filters"
    with st.popover(escape_markdown(label), icon=":material/filter_alt:", key="filters"):
        facets = shared.get_or_compute("facets", lambda: shared.library.facets(filters), filters)
        _show_year_filter(state, facets.years)
        left, right = st.columns(2)
        with left:
            _show_text_filter("after", state, "2024-06")
        with right:
            _show_text_filter("before", state, "2025")
        _show_choice_filter("folder", state, facets.directories)
        _show_choice_filter("camera", state, facets.cameras)
        _show_choice_filter("min_size", state, facets.sizes)
        _show_choice_filter("orientation", state, facets.orientations)
        _show_text_filter("near", state, "Munich,20km")
        if filters is not None:
            n = shared.library.n_matching(filters)
            st.caption(f"{format_count(n, 'picture')} {'matches' if n == 1 else 'match'}")
    if set_:
        st.button("Clear filters", icon=":material/filter_alt_off:", on_click=go, kwargs=CLEARED)


def _shorten(value: str) -> str:
    return value if len(value) <= MAX_SHOWN else f"…{value[1 - MAX_SHOWN :]}"


def _show_year_filter(state: State, years: Sequence[Count]) -> None:
    """A year as two dates: from its start, before the next year."""

    def set_dates() -> None:
        year = st.session_state["year"]
        go(after=year, before=str(int(year) + 1) if year else "")

    is_year = YEAR.fullmatch(state.after) is not None and state.before == str(int(state.after) + 1)
    _show_select("Year", "year", state.after if is_year else ANY, years, set_dates)


def _show_choice_filter(name: str, state: State, counts: Sequence[Count]) -> None:
    key = f"filter_{name}"
    _show_select(LABELS[name], key, getattr(state, name), counts, lambda: go(**{name: st.session_state[key]}))


def _show_select(label: str, key: str, value: str, counts: Sequence[Count], on_change: Callable[[], None]) -> None:
    # Streamlit cannot send surrogates.
    counts = [count for count in counts if count.value == replace_surrogates(count.value)]
    shown = {count.value: f"{count.value} ({count.n:,})" for count in counts}
    st.selectbox(
        label,
        [ANY, *shown, *([value] if value and value not in shown else [])],
        key=bind_widget(key, value),
        format_func=lambda option: shown.get(option, option or "Any"),
        on_change=on_change,
        disabled=not shown and not value,
    )


def _show_text_filter(name: str, state: State, example: str) -> None:
    key = f"filter_{name}"
    st.text_input(
        LABELS[name],
        key=bind_widget(key, getattr(state, name)),
        placeholder=example,
        on_change=lambda: go(**{name: st.session_state[key].strip()}),
        max_chars=MAX_TEXT,
    )
