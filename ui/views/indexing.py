"""Adding a folder, and how far indexing is, live; on the library's view and on a newcomer's first page."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from cosmos_search.extras import install_command
from indexer.errors import CosmosSearchError
from indexer.ingest.roots import existing_folder
from indexer.ingest.update import Report
from ui.escape import plain
from ui.session.indexing import Run
from ui.session.shared import Opened

__all__ = ["add_folder", "progress", "start"]

EVERY_S = 0.7
BUSY = "Indexing goes on already; wait until it is done, or stop it."


def add_folder(shared: Opened) -> None:
    """A path to type, and a button."""
    with st.form("add", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("A folder with pictures", key="folder_to_add", placeholder=str(Path.home() / "Pictures"))
        st.form_submit_button("Index it", type="primary", on_click=_add, args=(shared,))
    if (problem := st.session_state.pop("add_problem", None)) is not None:
        st.error(plain(problem))


def start(shared: Opened, folders: Sequence[Path]) -> None:
    """Begin to index, for callbacks; what hinders it is said where a folder is added."""
    if not shared.work.start(folders):
        st.session_state["add_problem"] = BUSY


def progress(shared: Opened, *, is_first: bool = False) -> None:
    """What goes on, and what came of it. is_first: the page goes on as soon as there is anything to search."""
    fragment = st.fragment(_progress, run_every=EVERY_S if shared.work.is_running else None)
    fragment(shared, is_first)


def _add(shared: Opened) -> None:
    typed = st.session_state["folder_to_add"].strip()
    if not (typed.startswith("~") or Path(typed).is_absolute()):  # the server's directory means nothing to a visitor
        st.session_state["add_problem"] = "Type the whole path of a folder, from its root or from ~ on."
        return
    try:
        start(shared, [existing_folder(Path(typed))])
    except CosmosSearchError as error:
        st.session_state["add_problem"] = str(error)


def _progress(shared: Opened, is_first: bool) -> None:
    run = shared.work.run
    if run is None:
        return
    if run.is_running:
        st.session_state["saw_running"] = True
        _bar(run)
        if is_first and shared.library.n_pictures():
            st.rerun()
        return
    if st.session_state.pop("saw_running", False):
        st.rerun()  # the rest of the page shows what has come
    if run.error is not None:
        st.error(plain(run.error))
    elif run.report is not None:
        _summary(run.report)


def _bar(run: Run) -> None:
    report = run.report
    n_done = report.n_done if report is not None else 0
    said = f"{'Stopping' if run.is_stopping else 'Indexing'}: {n_done:,}"
    said += f" of {run.n_files:,} files" if run.n_files is not None else " files"
    if report is not None and report.embedded:
        said += f", {report.images_per_second:.1f} pictures/s"
    if (seconds := run.seconds_left) is not None:
        said += f", about {seconds / 60:.0f} min left" if seconds >= 90 else f", about {seconds:.0f} s left"
    st.progress(run.share, text=said)
    st.button("Stop", on_click=run.stop, disabled=run.is_stopping, help="What is done is kept.")


def _summary(report: Report) -> None:
    counts = {"added": report.added, "changed": report.updated, "moved": report.moved, "removed": report.removed}
    said = [f"{n:,} {name}" for name, n in counts.items() if n]
    said += [f"{report.kept:,} as they were"] if report.kept else []
    said += [f"{len(report.failed):,} failed"] if report.failed else []
    begun = "Stopped; kept so far" if report.is_stopped else "Done"
    st.success(f"{begun}: {', '.join(said) or 'no pictures found'}.")
    if report.needs_extra:
        st.info(f"{report.needs_extra:,} HEIC or raw files need: `{install_command('formats')}`")
    for warning in report.warnings:
        st.warning(plain(warning))
