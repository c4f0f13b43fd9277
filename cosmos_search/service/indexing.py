"""Indexing in a background thread: one job at a time, shared by all visitors of a page or clients of a server."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Literal

from cosmos_search.library import Library
from cosmos_search.library import open as open_library
from cosmos_search.models.install import count_downloaded_bytes, pull_model
from cosmos_search.models.published import PUBLISHED
from cosmos_search.models.store import default_store
from indexer.errors import CosmosSearchError
from indexer.ingest.read_texts import TextReport
from indexer.ingest.update import Report

__all__ = ["DOWNLOAD", "INDEX", "READ", "Indexing", "IndexingInterruptedError", "IndexingJob", "Step"]

LOG = logging.getLogger(__name__)
# Download a model; load it, which takes longest the first time; index folders; read the texts in pictures.
Step = Literal["download", "prepare", "index", "read"]
INDEX: tuple[Step, ...] = ("prepare", "index")
READ: tuple[Step, ...] = ("read",)
DOWNLOAD: tuple[Step, ...] = ("download",)


@dataclass(eq=False)
class IndexingInterruptedError(CosmosSearchError):
    """Indexing ended with an exception that is a bug."""

    reason: str  # type and text of the exception

    def __str__(self) -> str:
        return f"Indexing was interrupted ({self.reason}). Pictures indexed so far are kept."


class IndexingJob:
    """One job: its steps, its progress and its result."""

    def __init__(
        self,
        library: Library,
        folders: Sequence[Path] = (),
        model: str | None = None,
        steps: Sequence[Step] = INDEX,
        pull: Callable[[str], object] = lambda name: pull_model(default_store(), name),
    ) -> None:
        """folders: to index; empty: all indexed ones. steps: in the order of STEPS.

        model: the encoder of a new index, or the one to change to, for which every picture is embedded again while the
        library has the old vectors. pull: downloads and installs a model.
        """
        self.steps = tuple(steps)
        self.step: Step = self.steps[0]  # the current or last one
        self.report: Report | None = None
        self.texts: TextReport | None = None
        self.model = model
        self.n_files: int | None = None  # in the folders; None: not counted yet
        self.error: CosmosSearchError | None = None
        self._library = library
        self._folders = tuple(folders)
        self._pull = pull
        self._stop = Event()
        self._thread = Thread(target=self._run, daemon=True)

    @property
    def is_running(self) -> bool:
        """True until the job has ended."""
        return self._thread.is_alive()

    @property
    def is_stopping(self) -> bool:
        """True after `stop` until the current batch is finished."""
        return self.is_running and self._stop.is_set()

    @property
    def is_stopped(self) -> bool:
        """True if the job ended before all was done."""
        return any(report is not None and report.is_stopped for report in (self.report, self.texts))

    @property
    def fraction(self) -> float:
        """Fraction of the current step that is done, 0..1; preparing a model has no steps of its own."""
        done, total = self.n_done, self.n_total
        return min(1.0, done / total) if total else 0.0

    @property
    def n_done(self) -> int:
        """What the current step has processed: files, pictures to read, or bytes of a download."""
        if self.step == "download":
            return 0 if self.model is None else count_downloaded_bytes(default_store(), self.model)
        report = self.texts if self.step == "read" else self.report
        return 0 if report is None else report.n_done

    @property
    def n_total(self) -> int | None:
        """What the current step will have processed at its end; None: not known."""
        if self.step == "download":
            return PUBLISHED[self.model].download_bytes if self.model in PUBLISHED else None
        if self.step == "read":
            return None if self.texts is None else self.texts.n_total
        return self.n_files

    @property
    def seconds_left(self) -> float | None:
        """Remaining time of the step, extrapolated from the time until now; None if it cannot be estimated yet."""
        report = self.texts if self.step == "read" else self.report
        if report is None or not self.fraction or not report.images_per_second:
            return None
        return report.seconds * (1 - self.fraction) / self.fraction

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
        """Start the steps and, if files are indexed, counting them, each in its own thread."""
        self._thread.start()
        if "index" in self.steps:
            Thread(target=self._count_files, daemon=True).start()

    def stop(self) -> None:
        """Stop after the current batch. Indexed pictures are kept; a download cannot be stopped."""
        self._stop.set()

    def wait(self) -> None:
        """Wait until the job has ended."""
        self._thread.join()

    def _run(self) -> None:
        try:
            self._take_steps()
        except CosmosSearchError as error:
            self.error = error
        except Exception as error:  # no caller waits for this thread, so report it to the visitors and in the log
            self.error = IndexingInterruptedError(f"{type(error).__name__}: {error}")
            LOG.exception("Indexing was interrupted")

    def _take_steps(self) -> None:
        library = self._library
        with ExitStack() as stack:
            for step in self.steps:
                self.step = step
                if step == "download" and self.model is not None:
                    self._pull(self.model)
                elif step == "prepare":
                    if self.model is not None:  # searches go on in the other library
                        library = stack.enter_context(open_library(self._library.place, model=self.model))
                    library.encoder  # noqa: B018  # loads it
                elif step == "index":
                    options: dict[str, Any] = {"on_progress": self._store_report, "stop": self._stop}
                    self.report = library.add(*self._folders, rebuild=self.model is not None, **options)
                elif step == "read" and not self._stop.is_set():
                    self.texts = self._library.read_texts(on_progress=self._store_texts, stop=self._stop)

    def _store_report(self, report: Report) -> None:
        self.report = report

    def _store_texts(self, texts: TextReport) -> None:
        self.texts = texts

    def _count_files(self) -> None:
        n_files = self._library.count_files(self._folders, is_stopped=self._stop.is_set)
        self.n_files = None if self._stop.is_set() else n_files


class Indexing:
    """The current or last indexing job. Thread-safe."""

    def __init__(self, library: Library) -> None:
        self.job: IndexingJob | None = None
        self.version_before: tuple[int, ...] | None = None  # of the library, when the job started
        self.reads_texts = False  # True: the texts in pictures are read after each indexing
        self._library = library
        self._guard = Lock()

    @property
    def is_running(self) -> bool:
        """True while a job is running."""
        return self.job is not None and self.job.is_running

    def start(self, folders: Sequence[Path] = (), model: str | None = None, steps: Sequence[Step] = INDEX) -> bool:
        """Start a job, whose arguments are those of IndexingJob. Returns False if a job is running already."""
        with self._guard:
            if self.is_running:
                return False
            self.version_before = self._library.version() if self._library.exists() else None
            if self.reads_texts and "index" in steps:
                steps = (*steps, *READ)
            self.job = IndexingJob(self._library, folders, model, steps)
            self.job.start()
        return True
