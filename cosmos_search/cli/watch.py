"""The command `watch`: index changes as they happen."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING

import click

from cosmos_search.cli.advice import add_advice
from cosmos_search.cli.index_option import index_option, open_library
from cosmos_search.cli.suggest import suggest
from cosmos_search.cli.terminal import say
from cosmos_search.extras import require_extra
from cosmos_search.places import locate_state_file
from indexer.errors import CosmosSearchError
from indexer.ingest.errors import MissingFolderError, NoFoldersError
from indexer.places import Place

if TYPE_CHECKING:
    from cosmos_search.library import Library
    from indexer.ingest.report import Report

__all__ = ["watch"]

COUNTS = ("added", "updated", "moved", "removed")
N_NAMED = 2  # directories in a line


@click.command(short_help="Index changes as they happen.")
@index_option
def watch(place: Place | None) -> None:
    """Index changes in the indexed folders as they happen, until Ctrl-C.

    At first it looks for changes as `index` does. Then each batch of changes prints one line. Folders may vanish and
    return. Network drives report no changes of other machines; to look for them instead, every 300 ms or as you say:
    WATCHFILES_FORCE_POLLING=1 WATCHFILES_POLL_DELAY_MS=60000.

    \b
    Example:
      cosmos-search watch
    """
    require_extra("Watching folders", "watch", "watchfiles")
    from indexer.ingest.watch import watch_folders

    stop = Event()
    with open_library(place) as library, _watch_alone(library.place), _stop_on_signals(stop):
        watched = _Watched(library, stop)
        if not watched.list_folders():
            raise NoFoldersError
        say(f"{_tell_time()}  watching {_name(watched.list_folders())}; Ctrl-C stops", err=True)
        for directories in watch_folders(watched.list_folders, stop):
            watched.index(directories)
    say("Stopped.", err=True)


@dataclass(slots=True)
class _Watched:
    """The folders of an index, and what is to be done for them."""

    library: "Library"
    stop: Event
    _folders: list[Path] = field(default_factory=list)
    _version: tuple[int, ...] | None = None  # of the index when its folders were listed
    _waiting: set[Path] = field(default_factory=set)  # directories to look through
    _said: set[str] = field(default_factory=set)  # warnings of the last run, which are not repeated
    _missing: list[Path] = field(default_factory=list)  # folders

    def list_folders(self) -> list[Path]:
        """The indexed folders; the last known ones while the index can't be read."""
        try:
            if (version := self.library.version()) != self._version:
                self._folders, self._version = [folder.path for folder in self.library.info().folders], version
        except CosmosSearchError:
            if self._version is None:
                raise
        self._say_what_is_missing()
        return self._folders

    def index(self, directories: set[Path]) -> None:
        """Index these directories, and those that an error has kept from being indexed."""
        self._say_what_is_missing()
        self._waiting |= directories
        found = [path for path in self._waiting if path.is_dir()]
        if not found:
            return
        try:
            report = self.library.add(*found, stop=self.stop)
        except CosmosSearchError as error:  # another process is indexing, the disk is full, ...
            self._warn([error])
            return
        self._warn([warning for warning in report.warnings if not isinstance(warning, MissingFolderError)])  # said
        self._waiting.clear()
        if line := _format_line(report, found):
            say(line)

    def _say_what_is_missing(self) -> None:
        """Say once which folders have gone, and which are there again."""
        before, self._missing = self._missing, [path for path in self._folders if not os.path.isdir(path)]  # noqa: PTH112
        for path in self._missing:
            if path not in before:
                say(f"{_tell_time()}  {add_advice(MissingFolderError(path))}", err=True)
        for path in before:
            if path in self._folders and path not in self._missing:
                say(f"{_tell_time()}  {path} is there again.", err=True)

    def _warn(self, warnings: list[CosmosSearchError]) -> None:
        sentences = {add_advice(warning): None for warning in warnings}
        for sentence in sentences:
            if sentence not in self._said:
                say(f"{_tell_time()}  {sentence}", err=True)
        self._said = set(sentences)


@contextmanager
def _watch_alone(place: Place) -> Iterator[None]:
    """Raises CosmosSearchError if another process of this user on this machine watches the index."""
    from filelock import FileLock, Timeout

    path = locate_state_file(place, "watch", ".lock")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise CosmosSearchError(f"Another process is watching the index at {place} already.") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _stop_on_signals(stop: Event) -> Iterator[None]:
    """Set `stop` on Ctrl-C and when the service is stopped. A second signal ends the process."""
    numbers = signal.SIGINT, signal.SIGTERM
    before = {number: signal.getsignal(number) for number in numbers}

    def on_signal(number: int, frame: FrameType | None) -> None:
        for one in numbers:
            signal.signal(one, signal.SIG_DFL)
        stop.set()

    for number in numbers:
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, before[number])


def _format_line(report: "Report", directories: list[Path]) -> str:
    """The counts of a run and where it looked; empty if nothing has changed."""
    parts = [f"{getattr(report, name)} {name}" for name in COUNTS if getattr(report, name)]
    if report.failed:
        parts.append(f"{len(report.failed)} failed (see {suggest('cosmos-search info')})")
    return f"{_tell_time()}  {', '.join(parts)} in {_name(directories)}" if parts else ""


def _name(directories: list[Path]) -> str:
    from cosmos_search.cli.pictures_table import format_path

    outermost = sorted(path for path in directories if not any(other in path.parents for other in directories))
    more = f" and {len(outermost) - N_NAMED} more" if len(outermost) > N_NAMED else ""
    return ", ".join(map(format_path, outermost[:N_NAMED])) + more


def _tell_time() -> str:
    return f"{datetime.now():%H:%M:%S}"
