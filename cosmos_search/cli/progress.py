"""Indexing at a terminal: a progress bar on stderr, and a clean stop on Ctrl-C."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from types import FrameType

from tqdm import tqdm

from cosmos_search.library import Library
from indexer.ingest.read_texts import TextReport
from indexer.ingest.shared_work import Distribute
from indexer.ingest.update import Report
from indexer.pictures.regions import Regions

__all__ = ["index_with_progress", "read_texts_with_progress", "stop_on_ctrl_c"]


def index_with_progress(
    library: Library,
    folders: Sequence[Path],
    rebuild: bool,
    regions: Regions | None,
    max_pixels: int | None,
    exclude: Sequence[str] | None,
    forget_missing: bool,
    distribute: Distribute | None = None,
) -> Report:
    """Run `library.add`, with progress on stderr if it is a terminal. Ctrl-C stops it after the current batch."""
    stop = Event()
    with _show_bar(library, folders, exclude) as show, stop_on_ctrl_c(stop):
        return library.add(
            *folders,
            rebuild=rebuild,
            regions=regions,
            max_pixels=max_pixels,
            exclude=exclude,
            forget_missing=forget_missing,
            on_progress=show,
            stop=stop,
            distribute=distribute,
        )


def read_texts_with_progress(library: Library, max_pixels: int | None) -> TextReport:
    """Run `library.read_texts` like `index_with_progress`."""
    stop = Event()
    with ExitStack() as stack:
        stack.enter_context(stop_on_ctrl_c(stop))
        bar = stack.enter_context(tqdm(unit=" pictures", dynamic_ncols=True, disable=not sys.stderr.isatty()))

        def show(report: TextReport) -> None:
            bar.total = report.n_total
            bar.set_description_str("reading texts", refresh=False)
            bar.set_postfix(with_text=report.n_with_text, failed=len(report.failed), refresh=False)
            bar.update(report.n_done - bar.n)

        return library.read_texts(max_pixels=max_pixels, on_progress=show, stop=stop)


@contextmanager
def _show_bar(
    library: Library, folders: Sequence[Path], exclude: Sequence[str] | None
) -> Iterator[Callable[[Report], None]]:
    if not sys.stderr.isatty():
        yield lambda report: None
        return
    with tqdm(unit=" pictures", dynamic_ncols=True, smoothing=0.05) as bar:
        Thread(target=_count_ahead, args=(bar, library, folders, exclude), daemon=True).start()

        def show(report: Report) -> None:
            bar.set_description_str(report.model, refresh=False)
            bar.set_postfix(failed=len(report.failed), refresh=False)
            bar.update(report.n_done - bar.n)

        try:
            yield show
        finally:
            bar.leave = bar.n > 0  # an error before the first picture leaves no line


def _count_ahead(bar: "tqdm[None]", library: Library, folders: Sequence[Path], exclude: Sequence[str] | None) -> None:
    """Set the bar's total, from which tqdm estimates the remaining time."""
    bar.total = library.count_files(folders, exclude)


@contextmanager
def stop_on_ctrl_c(stop: Event) -> Iterator[None]:
    """Set `stop` on Ctrl-C; a second Ctrl-C acts as usual."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)  # a second one ends the process at once
        stop.set()

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
