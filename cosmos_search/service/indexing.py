"""Indexing in a background thread: one job at a time, shared by all visitors of a page or clients of a server."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from cosmos_search.library import Library
from cosmos_search.library import open as open_library
from indexer.errors import CosmosSearchError
from indexer.ingest.update import Report

__all__ = ["Indexing", "IndexingInterruptedError", "IndexingJob"]

LOG = logging.getLogger(__name__)


@dataclass(eq=False)
class IndexingInterruptedError(CosmosSearchError):
    """Indexing ended with an exception that is a bug."""

    reason: str  # type and text of the exception

    def __str__(self) -> str:
        return f"Indexing was interrupted ({self.reason}). Pictures indexed so far are kept."


class IndexingJob:
    """One indexing job: its progress and its result.

    model: the encoder to change to: every picture is embedded again, and the library has the old vectors until then.
    """

    def __init__(self, library: Library, folders: Sequence[Path], model: str | None = None) -> None:
        self.report: Report | None = None
        self.n_files: int | None = None  # in the folders; None: not counted yet
        self.error: CosmosSearchError | None = None
        self._library = library
        self._folders = tuple(folders)
        self._model = model
        self._stop = Event()
        self._thread = Thread(target=self._index, daemon=True)

    @property
    def is_running(self) -> bool:
        """True until the job has ended."""
        return self._thread.is_alive()

    @property
    def is_stopping(self) -> bool:
        """True after `stop` until the current batch is finished."""
        return self.is_running and self._stop.is_set()

    @property
    def fraction(self) -> float:
        """Fraction of the files that are processed, 0..1."""
        n_done = 0 if self.report is None else self.report.n_done
        return min(1.0, n_done / self.n_files) if self.n_files else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Remaining time, extrapolated from the time until now; None if it cannot be estimated yet."""
        if self.report is None or not self.fraction or not self.report.embedded:
            return None
        return self.report.seconds * (1 - self.fraction) / self.fraction

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        report, seconds_left = self.report, self.seconds_left
        return {
            "is_running": self.is_running,
            "is_stopping": self.is_stopping,
            "n_files": self.n_files,
            "fraction": round(self.fraction, 4),
            "seconds_left": None if seconds_left is None else round(seconds_left, 1),
            "report": None if report is None else report.to_dict(),
            "error": None if self.error is None else str(self.error),
        }

    def start(self) -> None:
        """Start indexing and counting the files, each in its own thread."""
        self._thread.start()
        Thread(target=self._count_files, daemon=True).start()

    def stop(self) -> None:
        """Stop after the current batch. Indexed pictures are kept."""
        self._stop.set()

    def wait(self) -> None:
        """Wait until the job has ended."""
        self._thread.join()

    def _index(self) -> None:
        try:
            self.report = self._change_encoder(self._model) if self._model else self._add_folders()
        except CosmosSearchError as error:
            self.error = error
        except Exception as error:  # no caller waits for this thread, so report it to the visitors and in the log
            self.error = IndexingInterruptedError(f"{type(error).__name__}: {error}")
            LOG.exception("Indexing was interrupted")

    def _add_folders(self) -> Report:
        return self._library.add(*self._folders, on_progress=self._store_report, stop=self._stop)

    def _change_encoder(self, model: str) -> Report:
        with open_library(self._library.place, model=model) as library:  # searches go on in the other library
            return library.add(rebuild=True, on_progress=self._store_report, stop=self._stop)

    def _store_report(self, report: Report) -> None:
        self.report = report

    def _count_files(self) -> None:
        n_files = self._library.count_files(self._folders, is_stopped=self._stop.is_set)
        self.n_files = None if self._stop.is_set() else n_files


class Indexing:
    """The current or last indexing job. Thread-safe."""

    def __init__(self, library: Library) -> None:
        self.job: IndexingJob | None = None
        self.version_before: tuple[int, ...] | None = None  # of the library, when the job started
        self._library = library
        self._guard = Lock()

    @property
    def is_running(self) -> bool:
        """True while a job is running."""
        return self.job is not None and self.job.is_running

    def start(self, folders: Sequence[Path], model: str | None = None) -> bool:
        """Start indexing these folders, or all indexed folders if empty. Returns False if a job is running already.

        model: see IndexingJob.
        """
        with self._guard:
            if self.is_running:
                return False
            self.version_before = self._library.version() if self._library.exists() else None
            self.job = IndexingJob(self._library, folders, model)
            self.job.start()
        return True
