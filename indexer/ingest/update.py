"""Bring an index up to date with its folders: walk, read, embed, write."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import numpy as np
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, ProgrammingError, StatementError

from indexer.cores import available_cores
from indexer.encoder import ImageEncoder, Vectors
from indexer.ingest.encoder_choice import choose_encoder, unfinished_rebuild
from indexer.ingest.forget import missing_files, not_to_forget
from indexer.ingest.read import Reader, ReadFile
from indexer.ingest.roots import Roots, choose_roots, existing_folder, real_path
from indexer.ingest.scan import HELD_BACK, Change, Disks, Scan, known_disks
from indexer.ingest.threads import batched, ordered_map, workers
from indexer.pictures.images import DEFAULT_MAX_PIXELS, reading_pictures
from indexer.pictures.regions import pyramid
from indexer.store.catalog import Catalog
from indexer.store.index import Index
from indexer.store.records import EncoderRecord, FailedFile, IndexedFile

__all__ = ["Report", "remove", "update"]

# What SQLite says of values that it can't store; all else (a full disk, a lock) is no fault of the row.
REFUSED = (OverflowError, UnicodeError, DataError, IntegrityError, InterfaceError, ProgrammingError)
MAX_INTEGER = 2**63 - 1  # of SQLite
TRY_AGAIN = 0  # as the limit of pixels under which a file failed: like none that a run can have


@dataclass(slots=True)
class Report:
    """What a run did; it grows while the run goes on."""

    model: str
    device: str
    added: int = 0
    updated: int = 0
    kept: int = 0
    moved: int = 0
    removed: int = 0
    failed: list[FailedFile] = field(default_factory=list)
    failed_before: int = 0  # known to be bad, unchanged, not tried again
    needs_extra: int = 0  # pictures skipped because the extra [formats] is not installed
    warnings: list[str] = field(default_factory=list)
    embedded: int = 0  # pictures that went through the encoder
    seconds: float = 0.0
    is_stopped: bool = False

    @property
    def images_per_second(self) -> float:
        """Pictures embedded a second, reading and writing included."""
        return self.embedded / self.seconds if self.seconds else 0.0

    @property
    def n_done(self) -> int:
        """Files looked at so far."""
        return self.added + self.updated + self.kept + len(self.failed) + self.failed_before

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return {
            "added": self.added,
            "updated": self.updated,
            "kept": self.kept,
            "moved": self.moved,
            "removed": self.removed,
            "failed": [file.to_dict() for file in self.failed],
            "failed_before": self.failed_before,
            "needs_extra": self.needs_extra,
            "warnings": [str(warning) for warning in self.warnings],
            "is_stopped": self.is_stopped,
            "seconds": round(self.seconds, 3),
            "images_per_second": round(self.images_per_second, 3),
            "model": self.model,
            "device": self.device,
        }


def update(
    index: Index,
    encoder: ImageEncoder,
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
    """Index what changed in `folders`, or in every folder that the index knows.

    rebuild: embed everything anew; searches use the old vectors until the new ones are complete.
    regions: "none", "fast" or "fine": how many parts of a picture get a vector of their own; left out, as the index
    has it, and in a new one as suits the encoder.
    max_pixels: larger pictures fail; None lifts the limit.
    exclude: glob patterns of files and directories to leave out of these folders, see `pictures.walk.is_left_out`. They
    are kept with the folders, so that the next run does not bring back what this one left out; None: as they are.
    forget_missing: forget all files that are not there. Otherwise those stay whose disk may not be mounted, and the
    many: more than 20 and more than half of a folder, or all of it.
    stop: set it, and the run ends after the batch in hand; all that is done is kept.
    Raises CosmosSearchError when a folder or the encoder doesn't fit the index, before anything is changed.
    """
    with index.lock():
        with index.writing() as catalog:
            catalog.drop_orphans()
            target = choose_encoder(catalog, encoder, regions, rebuild)
            roots = choose_roots(catalog, [existing_folder(f) for f in folders], every_one=rebuild, exclude=exclude)
        run = _Run(index, encoder, target, roots, max_pixels, forget_missing, stop or Event())
        try:
            run.go(on_progress)
        finally:
            index.save_vectors()
    return run.report


def remove(index: Index, folder: Path) -> int:
    """Forget an indexed folder, and never touch it; returns how many files it had."""
    with index.lock():
        with index.writing() as catalog:
            n_files = catalog.remove_folder(real_path(folder))
        index.save_vectors()
    return n_files


class _Run:
    """One call of `update`, from its first file to its report."""

    def __init__(
        self,
        index: Index,
        encoder: ImageEncoder,
        target: EncoderRecord,
        roots: Roots,
        max_pixels: int | None,
        forget_missing: bool,
        stop: Event,
    ) -> None:
        self.report = Report(model=encoder.name, device=encoder.device, warnings=list(roots.warnings))
        self._index = index
        self._encoder = encoder
        self._target = target
        self._max_pixels = max_pixels = None if max_pixels is None else min(max_pixels, MAX_INTEGER)
        self._forget_missing = forget_missing
        self._scans = [Scan(index, r.folder, r.path, target.id, max_pixels) for r in roots.found]
        self._stop = stop
        self._reader = Reader(index, encoder, target, max_pixels, stop)
        self._unread: list[FailedFile] = []  # indexed pictures that can't be read at this moment
        self._failed_contents: dict[bytes | None, str] = {}

    def go(self, on_progress: Callable[[Report], None]) -> None:
        started = monotonic()
        with self._index.reading() as catalog:
            last_file_id = catalog.last_file_id()
            disks = known_disks(catalog, self._target.id, self._index.place)
        n_cores = available_cores()
        with reading_pictures(), workers(n_cores) as pool:
            changes = self._changes(lambda: on_progress(self.report))
            size = self._encoder.batch_size
            read = ordered_map(pool, self._reader.read, changes, ahead=4 * size)
            there = (file for file in read if file is not None)
            embedded = ordered_map(pool, self._embed, batched(there, size), ahead=n_cores)
            for batch in embedded:
                self._write(batch)
                self.report.seconds = monotonic() - started
                on_progress(self.report)
                if self._stop.is_set():
                    break
        self.report.is_stopped = self._stop.is_set()
        self.report.failed += [failed for scan in self._scans for failed in scan.failed]
        self._record_failures()
        if not self.report.is_stopped:
            self._finish(last_file_id, disks)
        self.report.seconds = monotonic() - started
        on_progress(self.report)

    def _changes(self, tick: Callable[[], None]) -> Iterator[Change]:
        for scan in self._scans:
            for changes in scan.changes():
                if self._stop.is_set():
                    return
                self.report.kept += changes.n_kept
                self.report.failed_before += changes.n_failed_before
                self.report.needs_extra += changes.n_needs_extra
                tick()
                for change in changes.to_read:
                    if self._stop.is_set():
                        return
                    yield change

    def _embed(self, batch: list[ReadFile]) -> list[ReadFile]:
        prepared = [read.prepared for read in batch if read.prepared is not None]
        if not prepared:
            return batch
        vectors = iter(self._encoder.encode_images(prepared))
        return [r if r.prepared is None else self._with_vectors(r, next(vectors)) for r in batch]

    def _with_vectors(self, read: ReadFile, vectors: Vectors) -> ReadFile:
        assert read.facts is not None
        n_regions = len(pyramid(self._target.regions, read.facts.width, read.facts.height))
        assert vectors.shape == (1 + n_regions, self._target.dim), (vectors.shape, n_regions, self._target)
        return replace(read, prepared=None, vectors=vectors.astype("<f2"))

    def _write(self, batch: list[ReadFile]) -> None:
        """First the files with a new content, then the copies, of contents that are in the catalog now."""
        self._put([read for read in batch if not read.is_copy])
        self._put([found for read in batch if read.is_copy and (found := self._resolve(read)) is not None])
        self._reader.release(read.fingerprint for read in batch if read.fingerprint is not None)

    def _resolve(self, copy: ReadFile) -> ReadFile | None:
        """A copy of a content that is bad has failed too; where the other file failed for itself, this one is read."""
        assert copy.fingerprint is not None
        if (failure := self._failed_contents.get(copy.fingerprint)) is not None:
            return replace(copy, failure=failure)
        with self._index.reading() as catalog:
            if catalog.has_vector(copy.fingerprint, self._target.id):
                return copy
        read = self._reader.read(copy.change, decode_copies=True)
        return None if read is None else self._embed([read])[0]

    def _put(self, batch: list[ReadFile]) -> None:
        """Write these files; where the database refuses them, one by one, and the refused one as a failure."""
        try:
            with self._index.writing() as catalog:
                catalog.put([self._row(read) for read in batch if not _keeps_its_row(read)], self._target.id)
        except REFUSED as error:
            if len(batch) == 1 and batch[0].failure is not None:
                raise
            if len(batch) == 1:
                self._put([_refused(batch[0], error)])
                return
            for read in batch:
                one = self._resolve(read) if read.is_copy else read  # the one before may have dropped its picture
                self._put([] if one is None else [one])
        else:
            for read in batch:
                self._count(read)

    def _row(self, read: ReadFile) -> IndexedFile:
        failure = read.failure and read.failure.encode("utf-8", "backslashreplace").decode()
        return IndexedFile(
            folder_id=read.change.folder_id,
            file=read.change.file,
            fingerprint=read.fingerprint,
            facts=read.facts,
            vectors=read.vectors,
            failure=failure,
            max_pixels=None if failure is None else TRY_AGAIN if read.may_pass else self._max_pixels,
        )

    def _count(self, read: ReadFile) -> None:
        known = read.change.known
        self.report.embedded += read.vectors is not None
        if read.failure is not None:
            self.report.failed.append(FailedFile(read.change.file.path, read.failure))
            if _keeps_its_row(read):
                self._unread.append(self.report.failed[-1])
            if not read.may_pass and read.fingerprint is not None:
                self._failed_contents[read.fingerprint] = read.failure
        elif known is None:
            self.report.added += 1
        elif read.vectors is None and known.fingerprint == read.fingerprint:  # touched, not changed
            self.report.kept += 1
        else:
            self.report.updated += 1

    def _record_failures(self) -> None:
        """Of what has no row of its own; a stopped run adds to those of the run before."""
        with self._index.writing() as catalog:
            for scan in self._scans:
                failed = scan.failed + [file for file in self._unread if file.path.is_relative_to(scan.path)]
                catalog.record_failures(scan.folder.id, failed, None if self.report.is_stopped else scan.path)

    def _finish(self, last_file_id: int, disks: Disks) -> None:
        with self._index.writing() as catalog:
            missing = [(scan, scan.missing(catalog, disks)) for scan in self._scans]
            vanished = [i for _, found in missing for i in found.all]
            moved = catalog.moved(vanished, last_file_id)
            lost = catalog.last_of(vanished)
            forgotten: list[int] = []
            for scan, found in missing:
                kept = [] if self._forget_missing else not_to_forget(scan, found, moved, lost)
                if kept:
                    self.report.warnings.append(missing_files(scan, len(kept)))
                    catalog.set_device(list(set(kept).intersection(found.gone + found.unconfirmed)), HELD_BACK)
                forgotten += set(found.all) - set(kept)
                scan.record_numbers(catalog)
            self.report.moved = len(moved.intersection(forgotten))
            self.report.added -= self.report.moved
            self.report.removed = len(forgotten) - self.report.moved
            catalog.delete_files(forgotten)
            self._switch(catalog)

    def _switch(self, catalog: Catalog) -> None:
        """To the new vectors, unless pictures would be left without one."""
        current = catalog.encoder()
        if current is None or current == self._target:
            return
        without = np.setdiff1d(catalog.vector_ids(current.id), catalog.vector_ids(self._target.id))
        if len(without):
            self.report.warnings.append(unfinished_rebuild(len(without), current, self._target))
        else:
            catalog.switch_to(self._target)


def _keeps_its_row(read: ReadFile) -> bool:
    """Whether a picture that is indexed can't be read at this moment: it stays, and the next run tries again."""
    known = read.change.known
    return read.may_pass and known is not None and known.fingerprint is not None


def _refused(read: ReadFile, error: Exception) -> ReadFile:
    problem = error.orig if isinstance(error, StatementError) else error
    return replace(read, facts=None, vectors=None, failure=f"the index can't store it: {problem}")
