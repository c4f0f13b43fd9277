"""The encoders (models): the choice for a new index, and changing that of an index; with sizes and downloads."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import streamlit as st

from cosmos_search.models.install import ModelRow, list_models
from cosmos_search.models.published import RECOMMENDED
from cosmos_search.models.store import BUILT_IN, default_model, default_store
from cosmos_search.opened_index import Info
from cosmos_search.service.indexing import DOWNLOAD, INDEX
from indexer.errors import OtherEncoderError
from ui.counts import format_count
from ui.escape import escape_markdown
from ui.session.shared import SharedResources
from ui.views.advice import advise_install, show_error
from ui.views.indexing import start_indexing

__all__ = ["describe_size", "show_encoder", "show_first_model_choice", "start_first"]

PACKAGES = ("torch", "transformers")  # of the extra [models], which downloads and other encoders need


def show_first_model_choice() -> None:
    """A list of the models for a new index, with sizes."""
    rows = {row.name: row for row in list_models(default_store()) if row.size_bytes is not None or _can_download()}
    st.selectbox(
        "Model",
        list(rows),
        index=list(rows).index(default_model()),
        format_func=lambda name: _describe_model(rows[name]),
        key="first_model",
        help="It can be changed later, in the Library view. Larger models find more, and take longer to index.",
    )


def start_first(shared: SharedResources, folders: Sequence[Path]) -> None:
    """Callback: index folders with the chosen model, which is downloaded if that is necessary."""
    name: str = st.session_state["first_model"]
    is_installed = name in BUILT_IN or default_store().has(name)
    # The library loads the default model itself, so that it is not in memory twice.
    model = None if name == default_model() and not shared.library.exists() else name
    start_indexing(shared, folders, model, INDEX if is_installed else (*DOWNLOAD, *INDEX))


def show_encoder(shared: SharedResources, info: Info) -> None:
    """The encoder of the index, all that there are, and buttons to download one and to change to one."""
    st.subheader("Encoder")
    rows = list_models(default_store())
    if info.encoder is not None:
        sizes = sum(info.size_bytes.values()) / 1e6
        st.markdown(
            f"Encoder of this index: **{escape_markdown(info.encoder.name)}** ({escape_markdown(info.encoder.regions)} "
            f"regions), {format_count(info.n_pictures, 'picture')}, {sizes:,.1f} MB on disk."
        )
        if info.needs_rebuild:
            show_error(OtherEncoderError(info.encoder.name, info.encoder.name))
    if info.encoder is not None and info.n_pictures:
        _show_change(shared, info, [row for row in rows if row.size_bytes is not None])
    with st.expander("All models"):
        _show_table(rows)
        _show_download(shared, info, [row for row in rows if row.size_bytes is None])


def describe_size(row: ModelRow) -> str:
    """Text such as "built in", "installed, 610 MB", "1.5 GB to download"."""
    if row.name in BUILT_IN:
        return "built in"
    if row.size_bytes is not None:
        return f"installed, {_format_bytes(row.size_bytes)}"
    n_bytes = row.published and row.published.download_bytes
    return f"{_format_bytes(n_bytes)} to download" if n_bytes else "to download, size not known"


def _describe_model(row: ModelRow) -> str:
    return f"{row.name} — {row.good_for or row.network} — {describe_size(row)}"


def _format_bytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"


def _can_download() -> bool:
    return all(find_spec(package) is not None for package in PACKAGES)


def _show_table(rows: Sequence[ModelRow]) -> None:
    st.dataframe(
        {
            "model": [f"{row.name} (recommended)" if row.name == RECOMMENDED else row.name for row in rows],
            "size": [describe_size(row) for row in rows],
            "good for": [row.good_for for row in rows],
            "network": [row.network for row in rows],
            "trained on": [row.trained_on for row in rows],
            "licence": [(row.published and row.published.licence) or "" for row in rows],
        },
        hide_index=True,
    )


def _show_download(shared: SharedResources, info: Info, rows: Sequence[ModelRow]) -> None:
    """A list of the published models that are not installed, and a button."""
    if not _can_download():
        st.caption(f"Downloading one needs PyTorch and Transformers. {advise_install('models')}")
        return
    if not rows:
        return
    names = [row.name for row in rows]
    own = None if info.encoder is None else info.encoder.name
    labels = {row.name: f"{row.name} — {describe_size(row)}" for row in rows}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Model to download",
            names,
            index=names.index(own) if own in names else 0,
            format_func=labels.__getitem__,
            key="model_to_download",
        )
        is_busy = shared.indexing.is_running
        st.button("Download model", disabled=is_busy, on_click=_download, args=(shared,))
    st.caption(
        "It is fetched from the Hugging Face hub, which gets the name of the model and nothing of your pictures."
    )


def _download(shared: SharedResources) -> None:
    start_indexing(shared, (), st.session_state["model_to_download"], DOWNLOAD)


def _show_change(shared: SharedResources, info: Info, rows: Sequence[ModelRow]) -> None:
    """A list of the other installed encoders; also the current one if its vectors are of an earlier version."""
    assert info.encoder is not None
    names = [row.name for row in rows if info.needs_rebuild or row.name != info.encoder.name]
    if not names:
        return
    labels = {row.name: _describe_model(row) for row in rows}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox("Embed all pictures again with", names, format_func=labels.__getitem__, key="encoder")
        st.button("Change encoder", disabled=shared.indexing.is_running, on_click=_change_encoder, args=(shared,))
    st.caption(
        "This takes as long as indexing all folders for the first time, or longer with a larger encoder. Searches use "
        "the present encoder until all pictures are done. If you stop it, pressing the button again resumes it."
    )


def _change_encoder(shared: SharedResources) -> None:
    start_indexing(shared, (), st.session_state["encoder"])
