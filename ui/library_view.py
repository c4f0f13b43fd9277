"""The library: its folders, indexing as it goes on, files that could not be read, and models."""

from pathlib import Path

import streamlit as st

from cosmos_search.library import Info
from cosmos_search.models import list_models
from cosmos_search.shelf import default_shelf
from indexer.errors import CosmosSearchError
from indexer.roots import existing_folder
from ui.cards import readable
from ui.opened import Opened
from ui.plain import plain
from ui.state import State
from ui.work import Work

__all__ = ["add_folder", "library_view", "progress"]

EVERY_S = 0.7


def library_view(shared: Opened, state: State) -> None:
    """The whole view; searching goes on meanwhile."""
    st.subheader("Folders on the machine that runs this page")
    add_folder(shared)
    progress(shared)
    info = shared.info()
    if info is None:
        return
    _folders(shared, info)
    _failed(info)
    _models(info)


def add_folder(shared: Opened) -> None:
    """A path to type, and a button."""
    with st.form("add", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.text_input("A folder with pictures", key="folder_to_add", placeholder=str(Path.home() / "Pictures"))
        if st.form_submit_button("Index it", type="primary", disabled=shared.work.is_running):
            _start(shared, typed)


def _start(shared: Opened, typed: str) -> None:
    if not typed.strip():
        st.error("Type the path of a folder.")
        return
    try:
        shared.work.start([existing_folder(Path(typed.strip()).expanduser())])
    except CosmosSearchError as error:
        st.error(plain(error))


def progress(shared: Opened) -> None:
    """What goes on, live; and what came of it."""
    st.fragment(_progress, run_every=EVERY_S if shared.work.is_running else None)(shared)


def _progress(shared: Opened) -> None:
    work = shared.work
    if work.error is not None:
        st.error(plain(work.error))
        return
    if not work.is_running:
        if st.session_state.pop("was_running", False):
            st.rerun()  # the rest of the page shows what has come
        _summary(work)
        return
    st.session_state["was_running"] = True
    report = work.report
    n_done = report.n_done if report is not None else 0
    share = min(1.0, n_done / work.n_files) if work.n_files else 0.0
    of = f" of {work.n_files:,}" if work.n_files is not None else ""
    speed = f", {report.images_per_second:.1f} pictures/s" if report is not None and report.embedded else ""
    st.progress(
        share, text=f"{'Stopping' if work.is_stopping else 'Indexing'}: {n_done:,}{of} files{speed}{_time_left(work)}"
    )
    st.button("Stop", on_click=work.stop, disabled=work.is_stopping, help="What is done is kept.")


def _time_left(work: Work) -> str:
    report = work.report
    if report is None or not work.n_files or not report.embedded or not report.seconds:
        return ""
    seconds = (work.n_files - report.n_done) * report.seconds / max(1, report.n_done)
    return f", about {seconds / 60:.0f} min left" if seconds >= 90 else f", about {seconds:.0f} s left"


def _summary(work: Work) -> None:
    report = work.report
    if report is None:
        return
    counts = {"added": report.added, "changed": report.updated, "moved": report.moved, "removed": report.removed}
    said = [f"{n:,} {name}" for name, n in counts.items() if n] + [f"{report.kept:,} as they were"] * bool(report.kept)
    st.success(
        ("Stopped; kept so far: " if report.is_stopped else "Done: ") + (", ".join(said) or "no pictures found") + "."
    )
    for warning in report.warnings:
        st.warning(plain(warning))


def _folders(shared: Opened, info: Info) -> None:
    for folder in info.folders:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            failed = f", {folder.n_failed:,} failed" if folder.n_failed else ""
            st.markdown(f"**{plain(folder.path)}** &nbsp; {folder.n_pictures:,} files{failed}")
            with st.popover("Forget", disabled=shared.work.is_running):
                st.markdown("Its pictures will not be found any more. The files stay as they are.")
                st.button("Forget this folder", key=f"forget_{folder.id}", on_click=_forget, args=(shared, folder.path))
    if info.folders:
        st.button(
            "Look for changes",
            icon=":material/refresh:",
            disabled=shared.work.is_running,
            on_click=lambda: shared.work.start([]),
        )
    if (problem := st.session_state.pop("forget_problem", None)) is not None:
        st.error(plain(problem))


def _forget(shared: Opened, folder: Path) -> None:
    try:
        shared.library.remove(folder)
    except CosmosSearchError as error:
        st.session_state["forget_problem"] = str(error)


def _failed(info: Info) -> None:
    if not info.failed:
        return
    with st.expander(f"{len(info.failed):,} files could not be read", icon=":material/warning:"):
        st.dataframe(
            {"file": [readable(one.path) for one in info.failed], "why": [readable(one.reason) for one in info.failed]},
            hide_index=True,
        )


def _models(info: Info) -> None:
    st.subheader("Model")
    if info.encoder is not None:
        sizes = sum(info.size_bytes.values()) / 1e6
        st.markdown(
            f"This index was made with **{plain(info.encoder.name)}** ({plain(info.encoder.regions)} regions): "
            f"{info.n_pictures:,} pictures, {sizes:,.1f} MB on disk."
        )
    rows = [row for row in list_models(default_shelf()) if row.size_bytes is not None]
    table = {
        "installed": [r.name for r in rows],
        "network": [r.network for r in rows],
        "learned from": [r.trained_on for r in rows],
    }
    st.dataframe(table, hide_index=True)
    st.caption(
        "More models, and changing over to one: `cosmos-search models`, `cosmos-search index --model NAME --rebuild`."
    )
