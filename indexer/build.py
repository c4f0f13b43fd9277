"""Bring an index up to date with its folders: walk, read, embed, write."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from time import monotonic

from indexer.catalog import Catalog
from indexer.cores import available_cores
from indexer.encoder import ImageEncoder, Vectors
from indexer.errors import CosmosSearchError, UsageError
from indexer.images import DEFAULT_MAX_PIXELS, reading_pictures
from indexer.index import Index
from indexer.pipeline import batched, ordered_map, workers
from indexer.read import Reader, ReadFile
from indexer.records import EncoderRecord, FailedFile, IndexedFile
from indexer.regions import REGIONS, pyramid
from indexer.roots import Roots, choose_roots, existing_folder, real_path
from indexer.scan import Change, Scan

__all__ = ["Report", "remove", "update"]


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


def update(
    index: Index,
    encoder: ImageEncoder,
    folders: Sequence[Path] = (),
    *,
    rebuild: bool = False,
    regions: str | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    on_progress: Callable[[Report], None] = lambda report: None,
    stop: Event | None = None,
) -> Report:
    """Index what changed in `folders`, or in every folder that the index knows.

    rebuild: embed everything anew; searches use the old vectors until the new ones are complete.
    regions: "none", "fast" or "fine": how many parts of a picture get a vector of their own; left out, as the index
    has it, and in a new one as suits the encoder.
    max_pixels: larger pictures fail; None lifts the limit.
    stop: set it, and the run ends after the batch in hand; all that is done is kept.
    Raises CosmosSearchError when a folder or the encoder doesn't fit the index, before anything is changed.
    """
    with index.lock():
        with index.writing() as catalog:
            target = _choose_encoder(catalog, encoder, regions, rebuild)
            roots = choose_roots(catalog, [existing_folder(f) for f in folders], every_one=rebuild)
        run = _Run(index, encoder, target, roots, max_pixels)
        try:
            run.go(on_progress, stop or Event())
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
        self, index: Index, encoder: ImageEncoder, target: EncoderRecord, roots: Roots, max_pixels: int | None
    ) -> None:
        self.report = Report(model=encoder.name, device=encoder.device, warnings=list(roots.warnings))
        self._index = index
        self._encoder = encoder
        self._target = target
        self._max_pixels = max_pixels
        self._scans = [Scan(index, r.folder_id, r.path, target.id, max_pixels) for r in roots.found]
        self._reader = Reader(index, encoder, target, max_pixels)
        self._failed_contents: dict[bytes | None, str] = {}

    def go(self, on_progress: Callable[[Report], None], stop: Event) -> None:
        started = monotonic()
        with self._index.reading() as catalog:
            last_file_id = catalog.last_file_id()
        n_cores = available_cores()
        with reading_pictures(), workers(n_cores) as pool:
            changes = self._changes(lambda: on_progress(self.report), stop)
            size = self._encoder.batch_size
            read = ordered_map(pool, self._reader.read, changes, ahead=4 * size)
            embedded = ordered_map(pool, self._embed, batched(read, size), ahead=n_cores)
            for batch in embedded:
                self._write(batch)
                self.report.seconds = monotonic() - started
                on_progress(self.report)
                if stop.is_set():
                    break
        self.report.is_stopped = stop.is_set()
        if not self.report.is_stopped:
            self._finish(last_file_id)
        self.report.seconds = monotonic() - started
        on_progress(self.report)

    def _changes(self, tick: Callable[[], None], stop: Event) -> Iterator[Change]:
        for scan in self._scans:
            for changes in scan.changes():
                self.report.kept += changes.n_kept
                self.report.failed_before += changes.n_failed_before
                self.report.needs_extra += changes.n_needs_extra
                tick()
                for change in changes.to_read:
                    if stop.is_set():
                        return
                    yield change
            self.report.failed += scan.unreadable

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
        for read in batch:
            if read.failure is not None:
                self._failed_contents[read.fingerprint] = read.failure
        indexed = [self._indexed(read) for read in batch]
        with self._index.writing() as catalog:
            catalog.put(indexed, self._target.id)
        self._reader.release(read.fingerprint for read in batch if read.fingerprint is not None)
        for read, item in zip(batch, indexed, strict=True):
            self._count(read, item)

    def _indexed(self, read: ReadFile) -> IndexedFile:
        """The row to write; a copy of a content that failed has failed too."""
        failure = read.failure
        if failure is None and read.facts is None:
            failure = self._failed_contents.get(read.fingerprint)
        return IndexedFile(
            folder_id=read.change.folder_id,
            file=read.change.file,
            fingerprint=read.fingerprint,
            facts=read.facts,
            vectors=read.vectors,
            failure=failure,
            max_pixels=None if failure is None else self._max_pixels,
        )

    def _count(self, read: ReadFile, item: IndexedFile) -> None:
        known = read.change.known
        self.report.embedded += item.vectors is not None
        if item.failure is not None:
            self.report.failed.append(FailedFile(item.file.path, item.failure))
        elif known is None:
            self.report.added += 1
        elif item.vectors is None and known.fingerprint == item.fingerprint:  # touched, not changed
            self.report.kept += 1
        else:
            self.report.updated += 1

    def _finish(self, last_file_id: int) -> None:
        with self._index.writing() as catalog:
            vanished: list[int] = []
            for scan in self._scans:
                missing = scan.vanished(catalog)
                if missing and scan.n_found == 0:
                    self.report.warnings.append(_empty_folder(scan.path, len(missing)))
                else:
                    vanished += missing
            self.report.moved = catalog.count_moved(vanished, last_file_id)
            self.report.added -= self.report.moved
            self.report.removed = len(vanished) - self.report.moved
            catalog.delete_files(vanished)
            if self._target != catalog.encoder():
                catalog.switch_to(self._target)


def _choose_encoder(catalog: Catalog, encoder: ImageEncoder, regions: str | None, rebuild: bool) -> EncoderRecord:
    """The set of vectors to write to."""
    current = catalog.encoder()
    wanted = regions or (current.regions if current is not None else encoder.default_regions)
    if wanted not in REGIONS:
        raise UsageError(f"There are no {wanted!r} regions; choose from: {', '.join(REGIONS)}")
    if current is None or not catalog.n_pictures():
        first = catalog.add_encoder(encoder.name, encoder.version, encoder.dim, wanted)
        catalog.switch_to(first)
        return first
    if rebuild:
        return catalog.add_encoder(encoder.name, encoder.version, encoder.dim, wanted)
    if (current.name, current.version, current.regions) == (encoder.name, encoder.version, wanted):
        return current
    raise CosmosSearchError(_other_encoder(current, encoder, wanted))


def _other_encoder(current: EncoderRecord, encoder: ImageEncoder, wanted: str) -> str:
    change = f"--model {encoder.name}"
    if current.name != encoder.name:
        made = current.name
    elif current.version != encoder.version:
        made = f"another version of {encoder.name}"
    else:
        made, change = f"{current.regions} regions", f"--regions {wanted}"
    return (
        f"This index was made with {made}. To change over, embedding every picture anew: "
        f"cosmos-search index {change} --rebuild"
    )


def _empty_folder(path: Path, n_files: int) -> str:
    return (
        f"{path} is empty now; its {n_files} files stay in the index in case a disk is not mounted. "
        f"To forget them: cosmos-search remove {shlex.quote(str(path))}"
    )
