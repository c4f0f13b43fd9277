"""Start indexing, and show its steps with their progress; for the Library view and the start page."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from cosmos_search.service.indexing import INDEX, IndexingJob, Step
from indexer.errors import UsageError
from indexer.ingest.read_texts import TextReport
from indexer.ingest.update import Report
from ui.counts import format_count
from ui.escape import escape_markdown
from ui.session.shared import SharedResources
from ui.views.advice import advise_install, format_error, show_error
from ui.views.choose_folder import ERROR

__all__ = ["describe_job", "show_progress", "start_indexing"]

REFRESH_S = 1.0
LABELS: dict[Step, str] = {
    "download": "Downloading the model",
    "prepare": "Preparing the model",
    "index": "Indexing",
    "read": "Reading text in pictures",
}


def start_indexing(
    shared: SharedResources, folders: Sequence[Path] = (), model: str | None = None, steps: Sequence[Step] = INDEX
) -> None:
    """Callback: start a job, see IndexingJob; if one is running, show an error below the folder field."""
    if not shared.indexing.start(folders, model, steps):
        st.session_state[ERROR] = UsageError("Indexing is running already; wait until it is done, or press Stop.")


def show_progress(shared: SharedResources, *, is_first: bool = False) -> None:
    """Progress and result of indexing. is_first: rerun the page as soon as the first pictures are indexed."""
    is_running = shared.indexing.is_running
    if is_running:  # the job may end before the fragment is run
        st.session_state["saw_running"] = True
    fragment = st.fragment(_show_job, run_every=REFRESH_S if is_running else None)
    fragment(shared, is_first)


def _show_job(shared: SharedResources, is_first: bool) -> None:
    job = shared.indexing.job
    if job is None:
        return
    if job.is_running:
        _show_progress_bar(job)
        if is_first and shared.library.n_pictures():
            st.rerun()
        return
    if st.session_state.pop("saw_running", False):
        st.rerun()  # update the rest of the page
    if job.error is not None:
        show_error(job.error)
        return
    if job.report is not None:
        _show_summary(job.report)
    if job.texts is not None:
        _show_texts_summary(job.texts)
    if job.steps[-1] == "download":
        st.success(f"Downloaded {escape_markdown(job.model or '')}.")


def _show_progress_bar(job: IndexingJob) -> None:
    st.progress(job.fraction, text=describe_job(job))
    can_stop = job.step != "download"
    st.button(
        "Stop",
        on_click=job.stop,
        disabled=job.is_stopping or not can_stop,
        help="What is done so far is kept." if can_stop else "A download cannot be stopped.",
    )


def describe_job(job: IndexingJob) -> str:
    """Text such as "Step 2 of 2: Indexing: 120 of 1,204 files, 31.2 pictures/s, about 35 s left"."""
    text = "Stopping" if job.is_stopping else LABELS[job.step]
    if len(job.steps) > 1:
        text = f"Step {job.steps.index(job.step) + 1} of {len(job.steps)}: {text}"
    if job.step == "prepare":
        return f"{text}. It takes longest the first time: some seconds up to some minutes, by the size of the model"
    if job.step == "download":
        total = f" of {job.n_total / 1e6:,.0f}" if job.n_total else ""
        return f"{text}: {job.n_done / 1e6:,.0f}{total} MB"
    total = f" of {job.n_total:,}" if job.n_total is not None else ""
    text += f": {job.n_done:,}{total} {'pictures' if job.step == 'read' else 'files'}"
    report = job.texts if job.step == "read" else job.report
    if report is not None and report.images_per_second:
        text += f", {report.images_per_second:.1f} pictures/s"
    if (seconds := job.seconds_left) is not None:
        text += f", about {seconds / 60:.0f} min left" if seconds >= 90 else f", about {seconds:.0f} s left"
    return text


def _show_summary(report: Report) -> None:
    counts = {"added": report.added, "changed": report.updated, "moved": report.moved, "removed": report.removed}
    text = [f"{n:,} {name}" for name, n in counts.items() if n]
    text += [f"{report.kept:,} unchanged"] if report.kept else []
    text += [f"{len(report.failed):,} failed"] if report.failed else []
    state = "Stopped; indexed so far" if report.is_stopped else "Done"
    st.success(f"{state}: {', '.join(text) or 'no pictures found'}.")
    if report.needs_extra:
        files = f"{format_count(report.needs_extra, 'HEIC or raw file')} {'was' if report.needs_extra == 1 else 'were'}"
        st.info(f"{files} skipped. {advise_install('formats')}")
    for warning in report.warnings:
        st.warning(format_error(warning))


def _show_texts_summary(texts: TextReport) -> None:
    state = "Stopped; text was read in" if texts.is_stopped else "Text was read in"
    failed = f"; {len(texts.failed):,} could not be read" if texts.failed else ""
    have = "has" if texts.n_with_text == 1 else "have"
    st.success(f"{state} {format_count(texts.n_read, 'picture')}: {texts.n_with_text:,} {have} text{failed}.")
