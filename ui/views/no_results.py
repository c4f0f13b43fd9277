"""What the Search view shows instead of results: which filter or text excludes all pictures, and what helps."""

import streamlit as st

from cosmos_search.retrieval.filters import parse_filters
from cosmos_search.retrieval.no_match import explain_no_match, find_unread_texts, name_texts
from cosmos_search.retrieval.query import parse_query
from indexer.store.filter_record import Filters
from ui.escape import escape_markdown, replace_surrogates
from ui.session.address import go
from ui.session.shared import SharedResources
from ui.session.state import State
from ui.views.advice import format_error
from ui.views.filters import LABELS

__all__ = ["show_no_results"]


def show_no_results(shared: SharedResources, state: State) -> None:
    """One sentence; if only the cut-off leaves out all pictures, a button that shows them."""
    library = shared.library
    if state.album is not None and not library.n_matching(Filters(album=state.album)):
        st.info("This album has no pictures.", icon=":material/photo_album:")
        return
    filters, conditions = _list_conditions(state)
    failure = explain_no_match(library, filters, conditions) if conditions else None
    if failure is not None:
        st.info(escape_markdown(replace_surrogates(failure)), icon=":material/filter_alt_off:")
        if (unread := find_unread_texts(library, filters)) is not None:
            st.info(format_error(unread), icon=":material/document_scanner:")
        return
    st.info("**No matches.**", icon=":material/search_off:")
    if not state.all:
        st.button("Show the nearest matches", on_click=go, kwargs={"all": True})


def _list_conditions(state: State) -> tuple[Filters, dict[str, Filters]]:
    """The filters and the demanded or excluded texts, together and each with its name."""
    filters, conditions = state.filters or Filters(), dict[str, Filters]()
    if state.album is not None:
        conditions["this album"] = Filters(album=state.album)
    for field, label in LABELS.items():
        if text := getattr(state, field):
            alone = parse_filters(**{"directory" if field == "folder" else field: text})
            conditions[f"“{label}: {text}”"] = alone
    if "text:" in state.query.casefold():
        query = parse_query(state.query)
        filters = filters.with_texts(query.texts, query.without_texts)
        conditions |= name_texts(query.texts, query.without_texts)
    return filters, conditions
