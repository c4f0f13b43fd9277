"""The Search view: search box, filters, grid of results, detail view of a picture."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import streamlit as st

from cosmos_search.retrieval.hits import Hit
from cosmos_search.retrieval.language import describe_language
from cosmos_search.retrieval.similarity import find_levels, leave_out
from indexer.cores import available_cores
from indexer.errors import UsageError
from indexer.store.records import PictureRecord
from ui.components.cards import Card, make_hit_card, make_picture_card
from ui.escape import escape_markdown
from ui.session.address import bind_widget, go, show_choice
from ui.session.shared import SharedResources
from ui.session.state import MAX_TEXT, State
from ui.views.advice import show_error
from ui.views.example import find_example
from ui.views.filters import show_filters
from ui.views.grid import show_picture_grid
from ui.views.picture import show_picture
from ui.views.refine import show_refine
from ui.views.selection import show_selection

__all__ = ["show_search"]

PER_PAGE = 40
EXAMPLE_QUERIES = ("A cat.", "A man with a camera. A tripod.", "A motorcycle.", "A zebra crossing.")
MAX_SORTED = 1000  # results that are sorted by date
# Numbers of hits that are searched. The next larger one is used, so that several pages share a cached result.
DEPTHS = (PER_PAGE + 1, 200, 1000, 5000, 10_000)


def show_search(shared: SharedResources, state: State) -> None:
    """The whole view: filters, search box, and the results or one picture of them."""
    show_filters(shared, state)
    _show_search_box(state)
    show_refine(shared, state)
    try:
        results = _find_results(shared, state)
    except UsageError as error:
        show_error(error)
        return
    if state.picture is not None:
        show_picture(shared, state, results[:PER_PAGE])
        return
    show_selection(shared)
    if state.query and (note := describe_language(shared.library.encoder, state.query)):
        st.caption(escape_markdown(note))
    if not results:
        _show_no_results(shared, state)
        return
    _show_heading(state, results)
    show_picture_grid(state, _make_cards(shared, results[:PER_PAGE]), key="grid")
    _show_pager(state, has_more=len(results) > PER_PAGE)


def _show_search_box(state: State) -> None:
    st.text_input(
        "Search",
        key=bind_widget("query", state.query),
        placeholder="What is in the picture?  A dog on a sofa. A red lamp.",
        on_change=lambda: go(query=st.session_state["query"].strip()),
        max_chars=MAX_TEXT,
        label_visibility="collapsed",
        icon=":material/search:",
    )
    if st.session_state.get("is_new_here") and not state.query:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("For example:", width="content")
            for text in EXAMPLE_QUERIES:
                st.button(text, on_click=go, kwargs={"query": text})


def _find_results(shared: SharedResources, state: State) -> Sequence[Hit] | Sequence[PictureRecord]:
    """The results of the current page, and one more if there is a next page. Raises UsageError for an invalid query."""
    example = find_example(shared, state)
    first, filters = (state.page - 1) * PER_PAGE, state.filters
    if not state.query and example is None:
        return shared.library.browse(filters, start=first, n=PER_PAGE + 1)
    by_date = state.sort == "date"
    top = MAX_SORTED if by_date else next((n for n in DEPTHS if n > first + PER_PAGE), DEPTHS[-1])

    def search() -> Sequence[Hit]:
        picture = None if example is None else example.load()
        hits = shared.library.search(
            state.query, top + 1, similar_to=picture, filters=filters, include_unlikely=state.all
        )
        hits = leave_out(hits, lambda hit: hit.picture.id == state.similar_to, top)
        return sorted(hits, key=_get_date, reverse=True) if by_date else hits

    hits = shared.get_or_compute(
        "search", search, state.query, top, example and example.key, filters, state.all, by_date
    )
    return hits[first : first + PER_PAGE + 1]


def _get_date(hit: Hit) -> str:
    taken = hit.facts.metadata.taken_at
    return taken.isoformat() if taken else ""


def _make_cards(shared: SharedResources, results: Sequence[Hit] | Sequence[PictureRecord]) -> Sequence[Card]:
    """Cards of the results. Missing thumbnails are made in parallel."""

    levels = find_levels(shared.library.encoder.name) if results and isinstance(results[0], Hit) else None

    def make_card(one: Hit | PictureRecord) -> Card:
        if isinstance(one, Hit):
            return make_hit_card(one, shared.thumbnails, levels)
        return make_picture_card(one, shared.thumbnails)

    with ThreadPoolExecutor(available_cores()) as pool:
        return list(pool.map(make_card, results))


def _show_heading(state: State, results: Sequence[object]) -> None:
    """Title of the results, with display options for a search."""
    first = (state.page - 1) * PER_PAGE + 1
    last = first + min(len(results), PER_PAGE) - 1
    is_search = isinstance(results[0], Hit)
    title = ("Nearest matches" if state.all else "Best matches") if is_search else "Newest pictures"
    if isinstance(results[0], Hit) and all(part.is_example for part in results[0].evidence) and not state.all:
        title = "Similar pictures"
    if is_search and state.sort == "date":
        title = f"Best matches (at most {MAX_SORTED:,}), newest first"
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**{title}** {first}–{last}", width="content")
        if is_search:
            _show_display_options(state)


def _show_display_options(state: State) -> None:
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        key = bind_widget("where", state.where)
        st.toggle("Show regions", key=key, on_change=lambda: go(where=st.session_state["where"]))
        show_choice("Sort", "sort", state.sort, {"score": "Best first", "date": "Newest first"})


def _show_no_results(shared: SharedResources, state: State) -> None:
    if state.page > 1:
        st.info("There are no more results.")
        st.button("First page", on_click=go, kwargs={"page": 1})
    elif state.filters is not None and not shared.library.n_matching(state.filters):
        st.info("No picture matches these filters.", icon=":material/filter_alt_off:")
    else:
        st.info("**No matches.**", icon=":material/search_off:")
        if not state.all:
            st.button("Show the nearest matches", on_click=go, kwargs={"all": True})


def _show_pager(state: State, *, has_more: bool) -> None:
    if state.page == 1 and not has_more:
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="center"):
        for label, icon, step, is_enabled in (
            ("Previous", ":material/chevron_left:", -1, state.page > 1),
            ("Next", ":material/chevron_right:", 1, has_more),
        ):
            st.button(label, icon=icon, disabled=not is_enabled, on_click=go, kwargs={"page": state.page + step})
            if step < 0:
                st.markdown(f"Page {state.page}", width="content")
