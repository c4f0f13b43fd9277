"""The encoder of the index, and changing it; for the Library view."""

import streamlit as st

from cosmos_search.models.install import ModelRow, list_models
from cosmos_search.models.store import default_store
from cosmos_search.opened_index import Info
from indexer.errors import OtherEncoderError
from ui.escape import escape_markdown
from ui.session.shared import SharedResources
from ui.views.advice import INSTALL_ENCODERS, show_error
from ui.views.indexing import start_indexing

__all__ = ["show_encoder"]


def show_encoder(shared: SharedResources, info: Info) -> None:
    """The encoder of the index, the installed ones, and a button that embeds all pictures with another one."""
    st.subheader("Encoder")
    if info.encoder is not None:
        sizes = sum(info.size_bytes.values()) / 1e6
        st.markdown(
            f"Encoder of this index: **{escape_markdown(info.encoder.name)}** ({escape_markdown(info.encoder.regions)} "
            f"regions), {info.n_pictures:,} pictures, {sizes:,.1f} MB on disk."
        )
        if info.needs_rebuild:
            show_error(OtherEncoderError(info.encoder.name, info.encoder.name))
    rows = [row for row in list_models(default_store()) if row.size_bytes is not None]
    st.dataframe(
        {
            "installed": [row.name for row in rows],
            "good for": [row.good_for for row in rows],
            "network": [row.network for row in rows],
            "trained on": [row.trained_on for row in rows],
        },
        hide_index=True,
    )
    if info.encoder is not None and info.n_pictures:
        _show_change(shared, info, rows)
    st.caption(INSTALL_ENCODERS)


def _show_change(shared: SharedResources, info: Info, rows: list[ModelRow]) -> None:
    """A list of the other installed encoders; also the current one if its vectors are of an earlier version."""
    assert info.encoder is not None
    names = [row.name for row in rows if info.needs_rebuild or row.name != info.encoder.name]
    if not names:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Embed all pictures again with", names, key="encoder")
        st.button("Change encoder", disabled=shared.indexing.is_running, on_click=_change_encoder, args=(shared,))
    st.caption(
        "This takes as long as indexing all folders for the first time, or longer with a larger encoder. Searches use "
        "the present encoder until all pictures are done. If you stop it, pressing the button again resumes it."
    )


def _change_encoder(shared: SharedResources) -> None:
    start_indexing(shared, (), st.session_state["encoder"])
