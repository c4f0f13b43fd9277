"""The part of an indexing run that other processes can do: reading, embedding and writing files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TypeAlias

from indexer.ingest.report import Report
from indexer.ingest.scan import Change
from indexer.store.records import EncoderRecord

__all__ = ["Distribute", "SharedWork"]


@dataclass(frozen=True, slots=True)
class SharedWork:
    """The files of a run. It indexes those itself that others leave out, so nothing depends on them."""

    folders: tuple[Path, ...]  # that are scanned
    target: EncoderRecord
    max_pixels: int | None
    changes: Iterator[list[Change]]  # the files to read, directory by directory
    show_progress: Callable[[], None]  # to be called from time to time
    stop: Event  # if set, other processes end after their current batch


# Lets other processes index files; returns the sum of their reports. Called with the index's lock held.
Distribute: TypeAlias = Callable[[SharedWork], Report]
