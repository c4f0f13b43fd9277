"""Read the texts in the pictures of an index: a pass of its own, which resumes where an earlier one ended."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

from PIL import Image

from indexer.cores import available_cores
from indexer.errors import CosmosSearchError
from indexer.files import open_file
from indexer.ingest.threads import ordered_map, split_batches, workers
from indexer.pictures.images import open_picture, reading_pictures
from indexer.pictures.limits import DEFAULT_MAX_PIXELS
from indexer.store.index import Index
from indexer.store.records import FailedFile, TextLine
from indexer.text_reader import TextReader

__all__ = ["TextReport", "read_texts"]

BATCH = 32  # pictures in one transaction: what an interrupted run reads again
PAGE = 1000  # pictures whose paths are looked up at once
MAX_THREADS = 8  # each has networks of its own, some 200 MB


@dataclass(slots=True)
class TextReport:
    """The counts of a run; updated while it runs."""

    reader: str
    n_total: int = 0  # pictures that this reader had not read before the run
    n_read: int = 0
    n_with_text: int = 0
    n_lines: int = 0
    failed: list[FailedFile] = field(default_factory=list)  # will be tried again by the next run
    seconds: float = 0.0
    is_stopped: bool = False

    @property
    def n_done(self) -> int:
        """The number of pictures processed so far."""
        return self.n_read + len(self.failed)

    @property
    def images_per_second(self) -> float:
        """Read pictures per second."""
        return self.n_read / self.seconds if self.seconds else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return {
            "reader": self.reader,
            "read": self.n_read,
            "with_text": self.n_with_text,
            "lines": self.n_lines,
            "failed": [file.to_dict() for file in self.failed],
            "is_stopped": self.is_stopped,
            "seconds": round(self.seconds, 3),
            "images_per_second": round(self.images_per_second, 3),
        }


@dataclass(frozen=True, slots=True)
class _Read:
    """A picture that was read, or why it could not be."""

    picture_id: int
    lines: Sequence[TextLine]
    failure: FailedFile | None = None


def read_texts(
    index: Index,
    reader: TextReader,
    *,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    on_progress: Callable[[TextReport], None] = lambda report: None,
    stop: Event | None = None,
    n_threads: int | None = None,
) -> TextReport:
    """Read the pictures that this version of the reader has not read, and store their lines.

    max_pixels: larger pictures fail; None: no limit. stop: if set, the run ends after the current batch; what was read
    is kept. n_threads: by default one for each core, up to MAX_THREADS.
    A picture that cannot be read is counted, and tried again by the next run.
    """
    report = TextReport(reader.version)
    started = monotonic()
    stop = stop or Event()
    with index.lock(), reading_pictures(), workers(n_threads or min(available_cores(), MAX_THREADS)) as pool:
        with index.reading() as catalog:
            report.n_total = catalog.count_unread(reader.version)
        on_progress(report)
        found = ordered_map(
            pool, lambda item: _read(reader, *item, max_pixels), _list_unread(index, reader.version), ahead=BATCH
        )
        for batch in split_batches(found, BATCH):
            lines = {one.picture_id: one.lines for one in batch if one.failure is None}
            index.retry(partial(_write, index, reader.version, lines))
            report.n_read += len(lines)
            report.n_with_text += sum(bool(some) for some in lines.values())
            report.n_lines += sum(map(len, lines.values()))
            report.failed += [one.failure for one in batch if one.failure is not None]
            report.seconds = monotonic() - started
            on_progress(report)
            if stop.is_set():
                report.is_stopped = True
                break
    return report


def _list_unread(index: Index, version: str) -> Iterator[tuple[int, tuple[Path, ...]]]:
    """The pictures to read, with their files, by id."""
    last = 0
    while True:
        with index.reading() as catalog:
            ids = catalog.find_unread(version, last, PAGE)
            records = catalog.pictures(ids)
        if not ids:
            return
        last = ids[-1]
        yield from ((id_, records[id_].paths) for id_ in ids if id_ in records)


def _read(reader: TextReader, picture_id: int, paths: Sequence[Path], max_pixels: int | None) -> _Read:
    """Read the first file that can be decoded."""
    failure = FailedFile(paths[0], "no file")
    for path in paths:
        try:
            with open_file(path) as file:
                picture = open_picture(file, min_side=reader.max_side * 3 // 4, max_pixels=max_pixels).image
            picture.thumbnail((reader.max_side, reader.max_side), Image.Resampling.LANCZOS)
            return _Read(picture_id, reader.read(picture))
        except CosmosSearchError as error:
            failure = FailedFile(path, str(error))
        except OSError as error:
            failure = FailedFile(path, error.strerror or str(error))
        except Exception as error:  # of the reader's networks: one picture does not end the run
            failure = FailedFile(path, f"its texts can't be read ({type(error).__name__}: {error})")
    return _Read(picture_id, (), failure)


def _write(index: Index, version: str, lines: Mapping[int, Sequence[TextLine]]) -> None:
    with index.writing() as catalog:
        catalog.put_lines(version, lines)
