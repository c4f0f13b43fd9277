"""The filters in the sidebar, each with how many pictures it would leave."""

import re
from collections.abc import Callable, Sequence

import streamlit as st

from indexer.errors import UsageError
from indexer.store.facets import Count
from ui.escape import readable
from ui.session.address import bound, go
from ui.session.shared import Opened
from ui.session.state import MAX_TEXT, State

__all__ = ["filters_view"]

ANY = ""
YEAR = re.compile("[0-9]{4}")
CLEARED = dict.fromkeys(("after", "before", "folder", "camera", "near", "min_size", "orientation"), "")


def filters_view(shared: Opened, state: State) -> None:
    """All of them. Those that can't be read are not counted with; the search says what is wrong."""
    try:
        filters = state.filters
    except UsageError:
        filters = None
    with st.sidebar:
        st.subheader("Filters")
        facets = shared.remembered("facets", lambda: shared.library.facets(filters), filters)
        _years(state, facets.years)
        left, right = st.columns(2)
        with left:
            _text("From", "after", state, "2024-06")
        with right:
            _text("Before", "before", state, "2025")
        _choice("Folder", "folder", state, facets.directories)
        _choice("Camera", "camera", state, facets.cameras)
        _choice("At least", "min_size", state, facets.sizes)
        _choice("Orientation", "orientation", state, facets.orientations)
        _text("Near", "near", state, "48.14,11.58,20km")
        if filters is not None:
            n = shared.library.n_matching(filters)
            st.caption(f"{n:,} {'picture passes' if n == 1 else 'pictures pass'}")
        if any(getattr(state, name) for name in CLEARED):
            st.button("Clear the filters", on_click=go, kwargs=CLEARED, width="stretch")


def _years(state: State, years: Sequence[Count]) -> None:
    """A year is from its beginning until before the next."""

    def chosen() -> None:
        year = st.session_state["year"]
        go(after=year, before=str(int(year) + 1) if year else "")

    is_year = YEAR.fullmatch(state.after) is not None and state.before == str(int(state.after) + 1)
    _select("Year", "year", state.after if is_year else ANY, years, chosen)


def _choice(label: str, name: str, state: State, counts: Sequence[Count]) -> None:
    key = f"filter_{name}"
    _select(label, key, getattr(state, name), counts, lambda: go(**{name: st.session_state[key]}))


def _select(label: str, key: str, value: str, counts: Sequence[Count], on_change: Callable[[], None]) -> None:
    counts = [count for count in counts if count.value == readable(count.value)]  # only text can be chosen
    shown = {count.value: f"{count.value} ({count.n:,})" for count in counts}
    st.selectbox(
        label,
        [ANY, *shown, *([value] if value and value not in shown else [])],
        key=bound(key, value),
        format_func=lambda option: shown.get(option, option or "Any"),
        on_change=on_change,
        disabled=not shown and not value,
    )


def _text(label: str, name: str, state: State, example: str) -> None:
    key = f"filter_{name}"
    st.text_input(
        label,
        key=bound(key, getattr(state, name)),
        placeholder=example,
        on_change=lambda: go(**{name: st.session_state[key].strip()}),
        max_chars=MAX_TEXT,
    )
