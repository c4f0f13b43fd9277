"""The switch that reads text in pictures; for the Library view."""

import streamlit as st

from cosmos_search.extras import MissingExtraError
from cosmos_search.service.indexing import READ
from indexer.cores import available_cores
from indexer.ingest.read_texts import MAX_THREADS
from ui.counts import format_count
from ui.session.address import bind_widget
from ui.session.shared import SharedResources
from ui.views.advice import show_error
from ui.views.indexing import start_indexing

__all__ = ["show_text_switch"]

UNITS = (("hours", 3600), ("minutes", 60), ("seconds", 1))
SECONDS_EACH = 0.5  # to read a picture on one core; measured in benchmarks/quality/text.py


def show_text_switch(shared: SharedResources) -> None:
    """While it is on, text is read now and after each indexing. Without the extra: a sentence."""
    try:
        n_unread = shared.library.n_unread()
    except MissingExtraError as error:
        show_error(error)
        return
    indexing = shared.indexing
    is_on = st.toggle(
        "Read text in pictures",
        key=bind_widget("reads_texts", indexing.reads_texts),
        on_change=lambda: _switch(shared, st.session_state["reads_texts"]),
    )
    st.caption(
        "Makes words on signs, labels and pages searchable. " + _describe_time(n_unread) + " You can search meanwhile, "
        "and what was read is kept when you stop."
    )
    if is_on and n_unread and not indexing.is_running:
        st.button(
            "Read now", icon=":material/document_scanner:", on_click=start_indexing, args=(shared, (), None, READ)
        )


def _switch(shared: SharedResources, is_on: bool) -> None:
    indexing = shared.indexing
    indexing.reads_texts = is_on
    if is_on and not indexing.is_running and shared.library.n_unread():
        start_indexing(shared, steps=READ)
    elif not is_on and indexing.job is not None and indexing.job.step == "read":
        indexing.job.stop()


def _describe_time(n_unread: int) -> str:
    if not n_unread:
        return "All pictures were read."
    seconds = n_unread * SECONDS_EACH / min(available_cores(), MAX_THREADS)
    unit, length = next((one for one in UNITS if seconds >= 2 * one[1]), UNITS[-1])
    time = f"{max(2, seconds / length):.0f} {unit}"
    verb = "was" if n_unread == 1 else "were"
    return f"{format_count(n_unread, 'picture')} {verb} not read yet: this takes about {time} on this computer."
