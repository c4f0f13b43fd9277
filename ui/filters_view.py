"""The filters in the sidebar, each with how many pictures it would leave."""

from collections.abc import Callable, Sequence

import streamlit as st

from indexer.errors import CosmosSearchError
from indexer.facets import Count, Facets
from indexer.filters import Filters
from ui.address import bound, go
from ui.opened import Opened, remembered
from ui.plain import plain
from ui.state import State

__all__ = ["filters_view"]

ANY = ""
CLEARED = dict.fromkeys(("after", "before", "folder", "camera", "near", "min_size", "orientation"), "")


def filters_view(shared: Opened, state: State) -> None:
    """All of them; a date that can't be read is said and not used."""
    try:
        filters = state.filters
    except CosmosSearchError as error:
        st.sidebar.error(plain(error))
        filters = None
    with st.sidebar:
        st.subheader("Filters")
        facets = _facets(shared, filters)
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


def _facets(shared: Opened, filters: Filters | None) -> Facets:
    return remembered("facets", shared, lambda library: library.facets(filters), filters)


def _years(state: State, years: Sequence[Count]) -> None:
    """A year is from its beginning until before the next."""

    def chosen() -> None:
        year = st.session_state["year"]
        go(after=year, before=str(int(year) + 1) if year else "")

    is_year = state.after.isdigit() and state.before == str(int(state.after) + 1)
    _select("Year", "year", state.after if is_year else ANY, years, chosen)


def _choice(label: str, name: str, state: State, counts: Sequence[Count]) -> None:
    key = f"filter_{name}"
    _select(label, key, getattr(state, name), counts, lambda: go(**{name: st.session_state[key]}))


def _select(label: str, key: str, value: str, counts: Sequence[Count], on_change: Callable[[], None]) -> None:
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
    )
