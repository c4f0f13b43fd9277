"""Adding a folder, and how far indexing is, live; on the library's view and on a newcomer's first page."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from indexer.errors import CosmosSearchError
from indexer.ingest.roots import existing_folder
from indexer.ingest.update import Report
from ui.escape import escape_markdown
from ui.session.indexing import IndexingJob
from ui.session.shared import SharedResources

__all__ = ["show_add_folder", "show_progress", "start_indexing"]

EVERY_S = 0.7
BUSY = "Indexing goes on already; wait until it is done, or stop it."


def show_add_folder(shared: SharedResources) -> None:
    """A path to type, and a button."""
    with st.form("add", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("A folder with pictures", key="folder_to_add", placeholder=str(Path.home() / "Pictures"))
        st.form_submit_button("Index it", type="primary", on_click=_add_folder, args=(shared,))
    if (problem := st.session_state.pop("add_problem", None)) is not None:
        st.error(escape_markdown(problem))


def start_indexing(shared: SharedResources, folders: Sequence[Path]) -> None:
    """Begin to index, for callbacks; what hinders it is said where a folder is added."""
    if not shared.indexing.start(folders):
        st.session_state["add_problem"] = BUSY


def show_progress(shared: SharedResources, *, is_first: bool = False) -> None:
    """What goes on, and what came of it. is_first: the page goes on as soon as there is anything to search."""
    fragment = st.fragment(_show_progress, run_every=EVERY_S if shared.indexing.is_running else None)
    fragment(shared, is_first)


def _add_folder(shared: SharedResources) -> None:
    typed = st.session_state["folder_to_add"].strip()
    if not (typed.startswith("~") or Path(typed).is_absolute()):  # the server's directory means nothing to a visitor
        st.session_state["add_problem"] = "Type the whole path of a folder, from its root or from ~ on."
        return
    try:
        start_indexing(shared, [existing_folder(Path(typed))])
    except CosmosSearchError as error:
        st.session_state["add_problem"] = str(error)


def _show_progress(shared: SharedResources, is_first: bool) -> None:
    job = shared.indexing.job
    if job is None:
        return
    if job.is_running:
        st.session_state["saw_running"] = True
        _show_progress_bar(job)
        if is_first and shared.library.n_pictures():
            st.rerun()
        return
    if st.session_state.pop("saw_running", False):
        st.rerun()  # the rest of the page shows what has come
    if job.error is not None:
        st.error(escape_markdown(job.error))
    elif job.report is not None:
        _show_summary(job.report)


def _show_progress_bar(job: IndexingJob) -> None:
    report = job.report
    n_done = report.n_done if report is not None else 0
    said = f"{'Stopping' if job.is_stopping else 'Indexing'}: {n_done:,}"
    said += f" of {job.n_files:,} files" if job.n_files is not None else " files"
    if report is not None and report.embedded:
        said += f", {report.images_per_second:.1f} pictures/s"
    if (seconds := job.seconds_left) is not None:
        said += f", about {seconds / 60:.0f} min left" if seconds >= 90 else f", about {seconds:.0f} s left"
    st.progress(job.fraction, text=said)
    st.button("Stop", on_click=job.stop, disabled=job.is_stopping, help="What is done is kept.")


def _show_summary(report: Report) -> None:
    counts = {"added": report.added, "changed": report.updated, "moved": report.moved, "removed": report.removed}
    said = [f"{n:,} {name}" for name, n in counts.items() if n]
    said += [f"{report.kept:,} as they were"] if report.kept else []
    said += [f"{len(report.failed):,} failed"] if report.failed else []
    begun = "Stopped; kept so far" if report.is_stopped else "Done"
    st.success(f"{begun}: {', '.join(said) or 'no pictures found'}.")
    if report.needs_extra:
        st.info(f"{report.needs_extra:,} HEIC or raw files need: `pip install 'cosmos-search[formats]'`")
    for warning in report.warnings:
        st.warning(escape_markdown(warning))
