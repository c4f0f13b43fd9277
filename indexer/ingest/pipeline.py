"""Read, embed and write files: the part of an indexing run that several processes can share."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from threading import Event
from typing import Generic

from indexer.cores import available_cores
from indexer.encoder import ImageEncoder, Prepared
from indexer.ingest.embed import ReadyFile, embed
from indexer.ingest.read import Reader, ReadFile
from indexer.ingest.report import Report
from indexer.ingest.scan import Change, Scan
from indexer.ingest.threads import ordered_map, split_batches, workers
from indexer.ingest.write import Writer
from indexer.pictures.images import reading_pictures
from indexer.store.index import Index
from indexer.store.records import EncoderRecord

__all__ = ["Pipeline"]

N_WAITING = 2  # threads that wait for a GPU: one for a batch that it computes, one for the next that is copied there


class Pipeline(Generic[Prepared]):
    """Indexes files with one encoder, in several threads."""

    def __init__(
        self,
        index: Index,
        encoder: ImageEncoder[Prepared],
        target: EncoderRecord,
        max_pixels: int | None,
        stop: Event,
        report: Report,
        n_cores: int | None = None,
    ) -> None:
        """report: the files are added to it. n_cores: of the threads; None: all of the machine."""
        self._encoder = encoder
        self._target = target
        self._stop = stop
        self._n_cores = n_cores or available_cores()
        self._reader = Reader(index, encoder, target, max_pixels, stop)
        # Not a method of this pipeline: it would be in a reference cycle, and the encoder freed late
        read_again = partial(_read_again, self._reader, encoder, target)
        self._writer = Writer(index, target, max_pixels, read_again, report)

    def run(self, changes: Iterable[Change]) -> Iterator[None]:
        """Index these files. Yields after each batch that was written; ends after the current one if stopped."""
        n_waiting = 0 if self._encoder.is_on_cpu else N_WAITING
        with reading_pictures(), workers(self._n_cores + n_waiting) as pool:
            size = self._encoder.batch_size
            read = ordered_map(pool, self._reader.read, changes, ahead=4 * size)
            existing = (file for file in read if file is not None)
            for batch in ordered_map(pool, self._embed, split_batches(existing, size), ahead=self._n_cores):
                self._writer.write(batch)
                self._reader.release(file.fingerprint for file in batch if file.fingerprint is not None)
                yield
                if self._stop.is_set():
                    break

    def record_failures(self, scans: Sequence[Scan], *, is_stopped: bool) -> None:
        """Write the failures without a row in `files`, see `Writer.record_failures`."""
        self._writer.record_failures(scans, is_stopped=is_stopped)

    def _embed(self, batch: list[ReadFile[Prepared]]) -> list[ReadyFile]:
        return embed(self._encoder, self._target, batch)


def _read_again(
    reader: Reader[Prepared], encoder: ImageEncoder[Prepared], target: EncoderRecord, change: Change
) -> ReadyFile | None:
    read = reader.read(change, decode_copies=True)
    return None if read is None else embed(encoder, target, [read])[0]
