"""Add a folder, and show the progress of indexing; for the Library view and the start page."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from cosmos_search.service.indexing import IndexingJob
from indexer.errors import CosmosSearchError, UsageError
from indexer.ingest.scan_plan import resolve_folder
from indexer.ingest.update import Report
from ui.session.shared import SharedResources
from ui.views.advice import advise_install, format_error, show_error

__all__ = ["show_add_folder", "show_progress", "start_indexing"]

REFRESH_S = 0.7


def show_add_folder(shared: SharedResources) -> None:
    """Path of a folder to index, and a button."""
    with st.form("add", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Folder with pictures", key="folder_to_add", placeholder=str(Path.home() / "Pictures"))
        st.form_submit_button("Index", type="primary", on_click=_add_folder, args=(shared,))
    if (error := st.session_state.pop("folder_error", None)) is not None:
        show_error(error)


def start_indexing(shared: SharedResources, folders: Sequence[Path], model: str | None = None) -> None:
    """Callback: start indexing; if a job is running, show an error below the folder field. model: see IndexingJob."""
    if not shared.indexing.start(folders, model):
        st.session_state["folder_error"] = UsageError("Indexing is running already; wait until it is done, or stop it.")


def show_progress(shared: SharedResources, *, is_first: bool = False) -> None:
    """Progress and result of indexing. is_first: rerun the page as soon as the first pictures are indexed."""
    fragment = st.fragment(_show_job, run_every=REFRESH_S if shared.indexing.is_running else None)
    fragment(shared, is_first)


def _add_folder(shared: SharedResources) -> None:
    path = st.session_state["folder_to_add"].strip()
    # Visitors do not know the server's current directory.
    if not (path.startswith("~") or Path(path).is_absolute()):
        st.session_state["folder_error"] = UsageError("Enter the full path of a folder, starting at the root or at ~.")
        return
    try:
        start_indexing(shared, [resolve_folder(Path(path))])
    except CosmosSearchError as error:
        st.session_state["folder_error"] = error


def _show_job(shared: SharedResources, is_first: bool) -> None:
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
        st.rerun()  # update the rest of the page
    if job.error is not None:
        show_error(job.error)
    elif job.report is not None:
        _show_summary(job.report)


def _show_progress_bar(job: IndexingJob) -> None:
    report = job.report
    n_done = report.n_done if report is not None else 0
    text = f"{'Stopping' if job.is_stopping else 'Indexing'}: {n_done:,}"
    text += f" of {job.n_files:,} files" if job.n_files is not None else " files"
    if report is not None and report.embedded:
        text += f", {report.images_per_second:.1f} pictures/s"
    if (seconds := job.seconds_left) is not None:
        text += f", about {seconds / 60:.0f} min left" if seconds >= 90 else f", about {seconds:.0f} s left"
    st.progress(job.fraction, text=text)
    st.button("Stop", on_click=job.stop, disabled=job.is_stopping, help="Pictures indexed so far are kept.")


def _show_summary(report: Report) -> None:
    counts = {"added": report.added, "changed": report.updated, "moved": report.moved, "removed": report.removed}
    text = [f"{n:,} {name}" for name, n in counts.items() if n]
    text += [f"{report.kept:,} unchanged"] if report.kept else []
    text += [f"{len(report.failed):,} failed"] if report.failed else []
    state = "Stopped; indexed so far" if report.is_stopped else "Done"
    st.success(f"{state}: {', '.join(text) or 'no pictures found'}.")
    if report.needs_extra:
        st.info(f"{report.needs_extra:,} HEIC or raw files were skipped. {advise_install('formats')}")
    for warning in report.warnings:
        st.warning(format_error(warning))
