"""Bring an index up to date with its folders: scan, read, embed, write, forget."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import numpy as np

from indexer.encoder import ImageEncoder
from indexer.errors import CosmosSearchError
from indexer.ingest.encoder_choice import choose_encoder
from indexer.ingest.errors import EmptyFolderError, MissingFilesError, UnfinishedRebuildError
from indexer.ingest.forget import choose_files_to_keep
from indexer.ingest.pipeline import Pipeline
from indexer.ingest.report import Report
from indexer.ingest.scan import HELD_BACK, Change, Disks, Scan, find_mounted_disks
from indexer.ingest.scan_plan import ScanPlan, plan_scan, real_path, resolve_folder
from indexer.ingest.shared_work import Distribute, SharedWork
from indexer.pictures.limits import DEFAULT_MAX_PIXELS
from indexer.store.catalog_writer import CatalogWriter
from indexer.store.errors import ServerError
from indexer.store.index import Index
from indexer.store.moved_files import find_last_files, find_moved_files
from indexer.store.records import EncoderRecord

__all__ = ["Report", "remove", "update"]

MAX_INTEGER = 2**63 - 1  # of the database


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
    distribute: Distribute | None = None,
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
    distribute: lets other processes index the files first; this one then does what they left out.
    Raises CosmosSearchError if a folder or the encoder does not fit the index; nothing is changed then.
    """
    with index.lock():
        with index.writing() as catalog:
            catalog.drop_orphans()
            target = choose_encoder(catalog, encoder, regions, rebuild)
            plan = plan_scan(catalog, [resolve_folder(f) for f in folders], include_all=rebuild, exclude=exclude)
        run = _Run(index, encoder, target, plan, max_pixels, forget_missing, stop or Event(), distribute)
        try:
            run.execute(on_progress)
        except BaseException:
            index.save_vectors()
            raise
        index.retry(index.save_vectors)
    return run.report


def remove(index: Index, folder: Path) -> int:
    """Remove a folder from the index; its files are not changed. Returns the number of its pictures.

    A video counts once, copies of a picture count each, and files that could not be read don't count.

    Raises NotAnIndexedFolderError.
    """
    with index.lock():
        with index.writing() as catalog:
            n_pictures = catalog.remove_folder(real_path(folder))
        index.save_vectors()
    return n_pictures


class _Run:
    """One call of `update`."""

    def __init__(
        self,
        index: Index,
        encoder: ImageEncoder[Any],
        target: EncoderRecord,
        plan: ScanPlan,
        max_pixels: int | None,
        forget_missing: bool,
        stop: Event,
        distribute: Distribute | None,
    ) -> None:
        self.report = Report(model=encoder.name, device=encoder.device, warnings=list(plan.warnings))
        self._index = index
        self._target = target
        self._plan = plan
        self._limit = None if max_pixels is None else min(max_pixels, MAX_INTEGER)
        self._forget_missing = forget_missing
        self._stop = stop
        self._distribute = distribute
        self._scans = self._make_scans()
        self._pipeline = Pipeline(index, encoder, target, self._limit, stop, self.report)
        self._n_shown = 0

    def execute(self, on_progress: Callable[[Report], None]) -> None:
        started = monotonic()

        def show(report: Report) -> None:
            report.seconds = monotonic() - started
            if report.n_done >= self._n_shown:  # after `_share`, files that were shown are counted again
                self._n_shown = report.n_done
                on_progress(report)

        last_file_id, n_first, disks = self._index.retry(self._read_state)
        others = self._share(self._distribute, last_file_id, show) if self._distribute is not None else None
        n_saved = n_first
        for _ in self._pipeline.run(self._scan(lambda: show(self.report))):
            show(self.report)
            n_pictures = n_first + self.report.added
            if n_pictures - n_saved > max(self._index.max_unsaved, n_saved // 2):
                # So that searches beside this run need not do it in their memory
                self._index.retry(self._index.save_vectors)
                n_saved = n_pictures
        self.report.is_stopped = self._stop.is_set()
        self.report.failed += [failed for scan in self._scans for failed in scan.failed]
        self._pipeline.record_failures(self._scans, is_stopped=self.report.is_stopped)
        if others is not None:
            self._index.retry(lambda: self._add_others(others, last_file_id))
        if not self.report.is_stopped:
            self._index.retry(lambda: self._finish(last_file_id, disks))
        self.report.seconds = monotonic() - started
        on_progress(self.report)

    def _read_state(self) -> tuple[int, int, Disks]:
        """Before the run: the highest id of a file, the number of pictures, and the mounted disks."""
        with self._index.reading() as catalog:
            disks = find_mounted_disks(catalog, self._target.id, self._index.directory)
            return catalog.last_file_id(), catalog.n_pictures(), disks

    def _make_scans(self) -> list[Scan]:
        return [Scan(self._index, root.folder, root.path, self._target.id, self._limit) for root in self._plan.roots]

    def _scan(self, on_directory: Callable[[], None]) -> Iterator[Change]:
        """The files to read. Counts those that need no reading."""
        for changes in self._list_changes(self._scans, self.report):
            on_directory()
            for change in changes:
                if self._stop.is_set():
                    return
                yield change

    def _list_changes(self, scans: Sequence[Scan], report: Report) -> Iterator[list[Change]]:
        """The files to read of each directory. Counts the others in the report."""
        for scan in scans:
            for changes in scan.changes():
                if self._stop.is_set():
                    return
                report.kept += changes.n_kept
                report.failed_before += changes.n_failed_before
                report.needs_extra += changes.n_needs_extra
                yield changes.to_read

    def _share(self, distribute: Distribute, last_file_id: int, show: Callable[[Report], None]) -> Report:
        """Let others index the files of a scan of its own. Returns the sum of their reports."""
        seen = Report(self.report.model, self.report.device)

        def show_progress() -> None:
            with suppress(ServerError), self._index.reading() as catalog:  # it may restart, for which others wait
                seen.added = catalog.count_files_after(last_file_id)
            show(seen)

        changes = self._list_changes(self._make_scans(), seen)
        folders = tuple(root.path for root in self._plan.roots)
        return distribute(SharedWork(folders, self._target, self._limit, changes, show_progress, self._stop))

    def _add_others(self, others: Report, last_file_id: int) -> None:
        """Count what others indexed, which the scan of this process found to be there and counted as kept or failed.

        What a process had written before it died is in no report, so new files are counted in the catalog.
        """
        with self._index.reading() as catalog:
            added = catalog.count_files_after(last_file_id, is_readable=True)
            now_failed = {file.path for file in catalog.failures()}
        own = {file.path for file in self.report.failed}
        failed = [file for file in others.failed if file.path in now_failed and file.path not in own]
        if not self.report.is_stopped:
            self.report.kept -= added - self.report.added + others.updated
            self.report.failed_before -= len(failed)
        self.report.added = added
        self.report.updated += others.updated
        self.report.embedded += others.embedded
        self.report.failed += failed

    def _finish(self, last_file_id: int, disks: Disks) -> None:
        """Forget missing files, count moved ones, and switch to new vectors."""
        warnings: list[CosmosSearchError] = []
        with self._index.writing() as catalog:
            missing = [(scan, scan.missing(catalog, disks)) for scan in self._scans]
            vanished = [i for _, found in missing for i in found.all]
            moved = find_moved_files(catalog.connection, vanished, last_file_id)
            lost = find_last_files(catalog.connection, vanished)
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
