"""Bring an index up to date with its folders: scan, read, embed, write, forget."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any, Generic

import numpy as np

from indexer.cores import available_cores
from indexer.encoder import ImageEncoder, Prepared
from indexer.errors import CosmosSearchError, EmptyFolderError, MissingFilesError, UnfinishedRebuildError
from indexer.ingest.embed import ReadyFile, embed
from indexer.ingest.encoder_choice import choose_encoder
from indexer.ingest.forget import choose_files_to_keep
from indexer.ingest.read import Reader, ReadFile
from indexer.ingest.report import Report
from indexer.ingest.scan import HELD_BACK, Change, Disks, Scan, find_mounted_disks
from indexer.ingest.scan_plan import ScanPlan, plan_scan, real_path, resolve_folder
from indexer.ingest.threads import ordered_map, split_batches, workers
from indexer.ingest.write import Writer
from indexer.pictures.images import reading_pictures
from indexer.pictures.limits import DEFAULT_MAX_PIXELS
from indexer.store.catalog_writer import CatalogWriter
from indexer.store.index import Index
from indexer.store.records import EncoderRecord

__all__ = ["Report", "remove", "update"]

MAX_INTEGER = 2**63 - 1  # of the database
N_WAITING = 2  # threads that wait for a GPU: one for a batch that it computes, one for the next that is copied there


def update(
    index: Index,
    encoder: ImageEncoder[Any],
    folders: Sequence[Path] = (),
    *,
    rebuild: bool = False,
    regions: str | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    exclude: Sequence[str] | None = None,
    forget_missing: bool = False,
    on_progress: Callable[[Report], None] = lambda report: None,
    stop: Event | None = None,
) -> Report:
    """Index new and changed pictures in `folders`, or in all indexed folders.

    rebuild: embed all pictures again. Searches use the old vectors until all pictures have new ones.
    regions: "none", "fast" or "fine": how many regions of a picture are embedded besides the whole. Default: as in the
    index; for a new index the recommendation of the encoder.
    max_pixels: larger pictures fail; None: no limit.
    exclude: glob patterns of files and directories to leave out, see `indexer.pictures.walk.is_left_out`. They are
    stored with these folders and apply to later runs as well; None: keep the stored ones.
    forget_missing: forget all files that are missing. Otherwise those stay whose disk may not be mounted, and so do
    large losses: all files of a folder, or more than 20 and more than half of it.
    stop: if set, the run ends after the current batch; what was indexed is kept.
    Raises CosmosSearchError if a folder or the encoder does not fit the index; nothing is changed then.
    """
    with index.lock():
        with index.writing() as catalog:
            catalog.drop_orphans()
            target = choose_encoder(catalog, encoder, regions, rebuild)
            plan = plan_scan(catalog, [resolve_folder(f) for f in folders], include_all=rebuild, exclude=exclude)
        run = _Run(index, encoder, target, plan, max_pixels, forget_missing, stop or Event())
        try:
            run.execute(on_progress)
        finally:
            index.save_vectors()
    return run.report


def remove(index: Index, folder: Path) -> int:
    """Remove a folder from the index; its files are not changed. Returns the number of its indexed files.

    Raises NotAnIndexedFolderError.
    """
    with index.lock():
        with index.writing() as catalog:
            n_files = catalog.remove_folder(real_path(folder))
        index.save_vectors()
    return n_files


class _Run(Generic[Prepared]):
    """One call of `update`."""

    def __init__(
        self,
        index: Index,
        encoder: ImageEncoder[Prepared],
        target: EncoderRecord,
        plan: ScanPlan,
        max_pixels: int | None,
        forget_missing: bool,
        stop: Event,
    ) -> None:
        limit = None if max_pixels is None else min(max_pixels, MAX_INTEGER)
        self.report = Report(model=encoder.name, device=encoder.device, warnings=list(plan.warnings))
        self._index = index
        self._encoder = encoder
        self._target = target
        self._forget_missing = forget_missing
        self._scans = [Scan(index, root.folder, root.path, target.id, limit) for root in plan.roots]
        self._stop = stop
        self._reader = Reader(index, encoder, target, limit, stop)
        self._writer = Writer(index, target, limit, self._read_again, self.report)

    def execute(self, on_progress: Callable[[Report], None]) -> None:
        started = monotonic()
        with self._index.reading() as catalog:
            last_file_id, n_first = catalog.last_file_id(), catalog.n_pictures()
            disks = find_mounted_disks(catalog, self._target.id, self._index.directory)
        n_saved, n_cores = n_first, available_cores()
        n_waiting = 0 if self._encoder.is_on_cpu else N_WAITING
        with reading_pictures(), workers(n_cores + n_waiting) as pool:
            changes = self._scan(lambda: on_progress(self.report))
            size = self._encoder.batch_size
            read = ordered_map(pool, self._reader.read, changes, ahead=4 * size)
            existing = (file for file in read if file is not None)
            for batch in ordered_map(pool, self._embed, split_batches(existing, size), ahead=n_cores):
                self._writer.write(batch)
                self._reader.release(file.fingerprint for file in batch if file.fingerprint is not None)
                self.report.seconds = monotonic() - started
                on_progress(self.report)
                n_pictures = n_first + self.report.added
                if n_pictures - n_saved > max(self._index.max_unsaved, n_saved // 2):
                    self._index.save_vectors()  # so that searches beside this run need not do it in their memory
                    n_saved = n_pictures
                if self._stop.is_set():
                    break
        self.report.is_stopped = self._stop.is_set()
        self.report.failed += [failed for scan in self._scans for failed in scan.failed]
        self._writer.record_failures(self._scans, is_stopped=self.report.is_stopped)
        if not self.report.is_stopped:
            self._index.retry(lambda: self._finish(last_file_id, disks))
        self.report.seconds = monotonic() - started
        on_progress(self.report)

    def _scan(self, on_directory: Callable[[], None]) -> Iterator[Change]:
        """The files to read. Counts those that need no reading."""
        for scan in self._scans:
            for changes in scan.changes():
                if self._stop.is_set():
                    return
                self.report.kept += changes.n_kept
                self.report.failed_before += changes.n_failed_before
                self.report.needs_extra += changes.n_needs_extra
                on_directory()
                for change in changes.to_read:
                    if self._stop.is_set():
                        return
                    yield change

    def _embed(self, batch: list[ReadFile[Prepared]]) -> list[ReadyFile]:
        return embed(self._encoder, self._target, batch)

    def _read_again(self, change: Change) -> ReadyFile | None:
        read = self._reader.read(change, decode_copies=True)
        return None if read is None else self._embed([read])[0]

    def _finish(self, last_file_id: int, disks: Disks) -> None:
        """Forget missing files, count moved ones, and switch to new vectors."""
        warnings: list[CosmosSearchError] = []
        with self._index.writing() as catalog:
            missing = [(scan, scan.missing(catalog, disks)) for scan in self._scans]
            vanished = [i for _, found in missing for i in found.all]
            moved = catalog.find_moved_files(vanished, last_file_id)
            lost = catalog.find_last_files(vanished)
            forgotten: list[int] = []
            for scan, found in missing:
                kept = [] if self._forget_missing else choose_files_to_keep(scan, found, moved, lost)
                if kept:
                    warning = (
                        EmptyFolderError(scan.path, len(kept), scan.folder.path)
                        if scan.n_found == 0
                        else MissingFilesError(scan.path, len(kept))
                    )
                    warnings.append(warning)
                    catalog.set_device(list(set(kept).intersection(found.gone + found.unconfirmed)), HELD_BACK)
                forgotten += set(found.all) - set(kept)
                scan.record_numbers(catalog)
            catalog.delete_files(forgotten)
            warnings += self._switch(catalog)
        self.report.warnings += warnings  # after the commit: the transaction may be repeated
        self.report.moved = len(moved.intersection(forgotten))
        self.report.added -= self.report.moved
        self.report.removed = len(forgotten) - self.report.moved

    def _switch(self, catalog: CatalogWriter) -> list[CosmosSearchError]:
        """Switch searches to the new vectors of a rebuild; instead return a warning if some pictures have none."""
        current = catalog.encoder()
        if current is None or current == self._target:
            return []
        target = self._target
        without = np.setdiff1d(catalog.vector_ids(current.id), catalog.vector_ids(target.id))
        if len(without):
            names = current.name, current.regions, target.name, target.regions
            return [UnfinishedRebuildError(len(without), *names)]
        catalog.switch_to(target)
        return []
