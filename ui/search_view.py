"""Search: one box, a grid of what was found, and one picture looked at closely."""

from collections.abc import Sequence

import streamlit as st

from cosmos_search.search import Hit
from indexer.errors import UsageError
from indexer.records import PictureRecord
from ui.address import bound, go
from ui.cards import Card, card_of_hit, card_of_picture
from ui.example_view import example
from ui.filters_view import filters_view
from ui.opened import Opened, remembered
from ui.picture_view import picture_view
from ui.pictures_grid import pictures_grid
from ui.plain import plain
from ui.refine_view import refine_view
from ui.selection import selection_view
from ui.state import SORTS, State

__all__ = ["search_view"]

PER_PAGE = 40
SUGGESTED = ("A cat.", "A cup of coffee. A spoon.", "A rocket on its launch pad.", "A zebra crossing.")
SORTED_BY_DATE = 1000  # the best of these many are put in order


def search_view(shared: Opened, state: State) -> None:
    """The whole view."""
    filters_view(shared, state)
    _search_box(state)
    refine_view(shared, state)
    try:
        shown = _shown(shared, state)
    except UsageError as error:
        st.error(_as_sentence(error))
        return
    if state.picture is not None:
        picture_view(shared, state, shown)
        return
    selection_view(shared)
    _heading(state, shown)
    if not shown:
        _nothing(shared, state)
        return
    pictures_grid(state, [_card(shared, one) for one in shown[:PER_PAGE]], key="grid")
    _pager(state, has_more=len(shown) > PER_PAGE)


def _search_box(state: State) -> None:
    st.text_input(
        "Search",
        key=bound("query", state.query),
        placeholder="What is in the picture?  A dog on a sofa. A red lamp.",
        on_change=lambda: go(query=st.session_state["query"].strip(), all=False),
        label_visibility="collapsed",
        icon=":material/search:",
    )
    if st.session_state.get("is_new_here") and not state.query:
        _suggestions()


def _suggestions() -> None:
    """For a newcomer: first things to ask for."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("For example:", width="content")
        for text in SUGGESTED:
            st.button(text, on_click=go, kwargs={"query": text})


def _shown(shared: Opened, state: State) -> Sequence[Hit] | Sequence[PictureRecord]:
    """What the page shows, and one more if there is more."""
    like, like_key = example(shared, state)
    if not state.query and like is None:
        start = (state.page - 1) * PER_PAGE
        return shared.library.browse(state.filters, start=start, n=PER_PAGE + 1)
    by_date = state.sort == "date"
    top = SORTED_BY_DATE if by_date else state.page * PER_PAGE + 1
    box, filters = state.box if like is not None else None, state.filters
    hits = remembered(
        "search",
        shared,
        lambda library: library.search(state.query, top, like=like, box=box, filters=filters, everything=state.all),
        state.query, top, like_key, box, filters, state.all,
    )  # fmt: skip
    if by_date:
        hits = sorted(hits, key=_when, reverse=True)
    return hits[(state.page - 1) * PER_PAGE : state.page * PER_PAGE + 1]


def _when(hit: Hit) -> str:
    taken = hit.facts.metadata.taken_at
    return taken.isoformat() if taken else ""


def _card(shared: Opened, one: Hit | PictureRecord) -> Card:
    return card_of_hit(one, shared.thumbnails) if isinstance(one, Hit) else card_of_picture(one, shared.thumbnails)


def _heading(state: State, shown: Sequence[object]) -> None:
    """What is shown, and how."""
    if not shown:
        return
    first = (state.page - 1) * PER_PAGE + 1
    last = first + min(len(shown), PER_PAGE) - 1
    is_search = bool(shown) and isinstance(shown[0], Hit)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        what = "Nearest" if state.all else "Best matches"
        st.markdown(f"**{what if is_search else 'Newest pictures'}** {first}–{last}", width="content")
        if is_search:
            with st.container(horizontal=True, vertical_alignment="center", width="content"):
                st.toggle(
                    "Show where", key=bound("where", state.where), on_change=lambda: go(where=st.session_state["where"])
                )
                st.segmented_control(
                    "Sort",
                    SORTS,
                    key=bound("sort", state.sort),
                    format_func={"score": "Best first", "date": "Newest first"}.__getitem__,
                    on_change=lambda: go(sort=st.session_state["sort"]),
                    required=True,
                    label_visibility="collapsed",
                )


def _nothing(shared: Opened, state: State) -> None:
    if state.page > 1:
        st.info("There is nothing more.")
        st.button("To the first page", on_click=go, kwargs={"page": 1})
    elif state.filters is not None and not shared.library.n_matching(state.filters):
        st.info("No picture passes these filters.", icon=":material/filter_alt_off:")
    else:
        st.info("**Nothing here matches.**", icon=":material/search_off:")
        if not state.all:
            st.button("Show the nearest all the same", on_click=go, kwargs={"all": True})


def _pager(state: State, *, has_more: bool) -> None:
    if state.page == 1 and not has_more:
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="center"):
        st.button(
            "Back",
            icon=":material/chevron_left:",
            disabled=state.page == 1,
            on_click=go,
            kwargs={"page": state.page - 1},
        )
        st.markdown(f"Page {state.page}", width="content")
        st.button(
            "More", icon=":material/chevron_right:", disabled=not has_more, on_click=go, kwargs={"page": state.page + 1}
        )


def _as_sentence(error: UsageError) -> str:
    """The command line marks mistakes below the query, in a fixed-width font; here the first line says enough."""
    first, *rest = str(error).splitlines()
    return plain(first.rstrip(":") + (f": {rest[0].strip()}" if rest else ""))
