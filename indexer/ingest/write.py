"""Write batches of files to the catalog and count them."""

from collections.abc import Callable, Sequence

from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, ProgrammingError, StatementError

from indexer.ingest.embed import Embedded, ReadyFile
from indexer.ingest.read import Copy, Failed
from indexer.ingest.report import Report
from indexer.ingest.scan import Change, Scan
from indexer.store.index import Index
from indexer.store.records import EncoderRecord, FailedFile, IndexedCopy, IndexedFailure, IndexedFile, IndexedPicture

__all__ = ["Writer"]

# Exceptions for values that the database can't store. Others (a full disk, a lock) are not caused by the row.
REJECTED = (OverflowError, UnicodeError, DataError, IntegrityError, InterfaceError, ProgrammingError)
TRY_AGAIN = 0  # stored as the pixel limit of a temporary failure: no run has this limit, so each run reads it again


class Writer:
    """Writes the files of one run, and adds them to its report."""

    def __init__(
        self,
        index: Index,
        target: EncoderRecord,
        max_pixels: int | None,
        read_again: Callable[[Change], ReadyFile | None],
        report: Report,
    ) -> None:
        """read_again: reads, decodes and encodes a file, even if its content is known; None if it was deleted."""
        self._index = index
        self._target = target
        self._max_pixels = max_pixels
        self._read_again = read_again
        self._report = report
        self._unreadable: list[FailedFile] = []  # indexed pictures that are temporarily unreadable
        self._bad_contents: dict[bytes, str] = {}  # the reason by fingerprint

    def write(self, batch: Sequence[ReadyFile]) -> None:
        """Write the files with new content first, then the copies, whose content is then in the catalog."""
        self._write_rows([file for file in batch if not isinstance(file, Copy)])
        copies = (self._resolve(file) for file in batch if isinstance(file, Copy))
        self._write_rows([file for file in copies if file is not None])

    def record_failures(self, scans: Sequence[Scan], *, is_stopped: bool) -> None:
        """Write the failures without a row in `files`. A stopped run keeps those of earlier runs as well."""

        def record() -> None:
            with self._index.writing() as catalog:
                for scan in scans:
                    failed = scan.failed + [file for file in self._unreadable if file.path.is_relative_to(scan.path)]
                    catalog.record_failures(scan.folder.id, failed, None if is_stopped else scan.path)

        self._index.retry(record)

    def _resolve(self, copy: Copy) -> ReadyFile | None:
        """The copy if its content is indexed, a failure if the content is bad, else the file read again.

        The last happens if the first file with this content failed for a temporary reason.
        """
        if (reason := self._bad_contents.get(copy.fingerprint)) is not None:
            return Failed(copy.change, copy.fingerprint, reason)
        return copy if self._index.retry(lambda: self._has_vector(copy)) else self._read_again(copy.change)

    def _has_vector(self, copy: Copy) -> bool:
        with self._index.reading() as catalog:
            return catalog.has_vector(copy.fingerprint, self._target.id)

    def _write_rows(self, batch: Sequence[ReadyFile]) -> None:
        """Write a batch; if the database rejects a row, write the files one by one, and the rejected one as failed."""
        try:
            rows = [self._make_row(file) for file in batch if not (isinstance(file, Failed) and file.keeps_its_row)]
            self._index.retry(lambda: self._put(rows))
        except REJECTED as error:
            if len(batch) > 1:
                for file in batch:
                    # The file before may have removed the last file of its picture.
                    one = self._resolve(file) if isinstance(file, Copy) else file
                    self._write_rows([] if one is None else [one])
                return
            (file,) = batch
            if isinstance(file, Failed):  # its path can't be stored: only the report names it
                self._count(file)
                return
            problem = error.orig if isinstance(error, StatementError) else error
            self._write_rows([Failed(file.change, file.fingerprint, f"the index can't store it: {problem}")])
        else:
            for file in batch:
                self._count(file)

    def _put(self, rows: Sequence[IndexedFile]) -> None:
        with self._index.writing() as catalog:
            catalog.put(rows, self._target.id)

    def _make_row(self, file: ReadyFile) -> IndexedFile:
        folder_id, found = file.change.folder_id, file.change.file
        match file:
            case Embedded():
                return IndexedPicture(folder_id, found, file.fingerprint, file.facts, file.vectors)
            case Copy():
                return IndexedCopy(folder_id, found, file.fingerprint)
            case Failed():
                reason = file.reason.encode("utf-8", "backslashreplace").decode()
                return IndexedFailure(folder_id, found, reason, TRY_AGAIN if file.is_temporary else self._max_pixels)

    def _count(self, file: ReadyFile) -> None:
        known = file.change.known
        self._report.embedded += isinstance(file, Embedded)
        if isinstance(file, Failed):
            self._report.failed.append(FailedFile(file.change.file.path, file.reason))
            if file.keeps_its_row:
                self._unreadable.append(self._report.failed[-1])
            if not file.is_temporary and file.fingerprint is not None:
                self._bad_contents[file.fingerprint] = file.reason
        elif known is None:
            self._report.added += 1
        elif isinstance(file, Copy) and known.fingerprint == file.fingerprint:  # only its dates changed
            self._report.kept += 1
        else:
            self._report.updated += 1
