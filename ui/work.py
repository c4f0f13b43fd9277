"""Indexing in the background: one run at a time, seen by every visitor of the page."""

import logging
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Lock, Thread

from cosmos_search.library import Library
from indexer.build import Report
from indexer.errors import CosmosSearchError
from indexer.walk import count_files

__all__ = ["Work"]

LOG = logging.getLogger(__name__)


class Work:
    """The run that goes on, or the last one. Safe from several threads."""

    def __init__(self, library: Library) -> None:
        self.report: Report | None = None
        self.n_files: int | None = None  # to look at; None: not counted yet
        self.error: str | None = None
        self._library = library
        self._guard = Lock()
        self._stop = Event()
        self._thread: Thread | None = None

    @property
    def is_running(self) -> bool:
        """Whether a run goes on."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def is_stopping(self) -> bool:
        """Whether a run was told to stop and still finishes what it has in hand."""
        return self.is_running and self._stop.is_set()

    def start(self, folders: Sequence[Path], *, rebuild: bool = False) -> None:
        """Index these folders, or all that are known; where a run goes on already, nothing."""
        with self._guard:
            if self.is_running:
                return
            self.report, self.n_files, self.error = None, None, None
            self._stop.clear()
            self._thread = Thread(target=self._run, args=(tuple(folders), rebuild), daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """After the batch in hand; what is done is kept."""
        self._stop.set()

    def wait(self) -> None:
        """Until the run has ended."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, folders: Sequence[Path], rebuild: bool) -> None:
        try:
            Thread(target=self._count, args=(folders,), daemon=True).start()
            self.report = self._library.add(
                *folders, rebuild=rebuild, on_progress=lambda report: setattr(self, "report", report), stop=self._stop
            )
        except CosmosSearchError as error:
            self.error = str(error)
        except Exception as error:  # nobody waits for this thread: the page and the log must tell
            self.error = f"Indexing broke off ({type(error).__name__}: {error}); what was done is kept."
            LOG.exception("Indexing broke off")

    def _count(self, folders: Sequence[Path]) -> None:
        walked = folders or [folder.path for folder in self._library.info().folders]
        self.n_files = count_files(walked)
