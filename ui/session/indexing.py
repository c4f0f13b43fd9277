"""Indexing in the background: one run at a time, seen by every visitor of the page."""

import logging
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Lock, Thread

from cosmos_search.library import Library
from indexer.errors import CosmosSearchError
from indexer.ingest.update import Report
from indexer.pictures.walk import count_files

__all__ = ["Indexing", "IndexingJob"]

LOG = logging.getLogger(__name__)


class IndexingJob:
    """One run: how far it is, and what came of it."""

    def __init__(self, library: Library, folders: Sequence[Path]) -> None:
        self.report: Report | None = None
        self.n_files: int | None = None  # to look at; None: not counted yet
        self.error: str | None = None
        self._library = library
        self._folders = tuple(folders)
        self._stop = Event()
        self._thread = Thread(target=self._index, daemon=True)

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self._thread.is_alive()

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop, and still finishes what it has in hand."""
        return self.is_running and self._stop.is_set()

    @property
    def fraction(self) -> float:
        """How much is done, 0..1."""
        n_done = 0 if self.report is None else self.report.n_done
        return min(1.0, n_done / self.n_files) if self.n_files else 0.0

    @property
    def seconds_left(self) -> float | None:
        """By its speed until now; None where that can't be said yet."""
        if self.report is None or not self.fraction or not self.report.embedded:
            return None
        return self.report.seconds * (1 - self.fraction) / self.fraction

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        Thread(target=self._count_files, daemon=True).start()

    def stop(self) -> None:
        """After the batch in hand; what is done is kept."""
        self._stop.set()

    def wait(self) -> None:
        """Until it has ended."""
        self._thread.join()

    def _index(self) -> None:
        try:
            self.report = self._library.add(*self._folders, on_progress=self._store_report, stop=self._stop)
        except CosmosSearchError as error:
            self.error = str(error)
        except Exception as error:  # nobody waits for this thread: the page and the log must tell
            self.error = f"Indexing broke off ({type(error).__name__}: {error}); what was done is kept."
            LOG.exception("Indexing broke off")

    def _store_report(self, report: Report) -> None:
        self.report = report

    def _count_files(self) -> None:
        n_files = count_files(self._library.walked(self._folders), self._stop.is_set)
        self.n_files = None if self._stop.is_set() else n_files


class Indexing:
    """The run that goes on, or the last one. Safe from several threads."""

    def __init__(self, library: Library) -> None:
        self.job: IndexingJob | None = None
        self.version_before: tuple[int, ...] | None = None  # of the library, when the run began
        self._library = library
        self._guard = Lock()

    @property
    def is_running(self) -> bool:
        """Whether a run goes on."""
        return self.job is not None and self.job.is_running

    def start(self, folders: Sequence[Path]) -> bool:
        """Index these folders, or all that are known; False, and nothing else, where a run goes on already."""
        with self._guard:
            if self.is_running:
                return False
            self.version_before = self._library.stamp() if self._library.exists() else None
            self.job = IndexingJob(self._library, folders)
            self.job.start()
        return True
