"""What changed in a folder since the catalog was written: the files to read, and those that vanished."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from indexer.catalog import Catalog
from indexer.index import Index
from indexer.records import FailedFile, KnownFile
from indexer.walk import Directory, FoundFile, walk

__all__ = ["Change", "DirectoryChanges", "Scan"]


@dataclass(frozen=True, slots=True)
class Change:
    """A file to read, and what was known of it."""

    folder_id: int
    file: FoundFile
    known: KnownFile | None


@dataclass(frozen=True, slots=True)
class DirectoryChanges:
    """What one directory asks for."""

    to_read: list[Change]  # new, changed, or without a vector of this encoder
    n_kept: int
    n_failed_before: int  # unchanged files that failed, and are not tried again
    n_needs_extra: int


@dataclass(slots=True)
class Scan:
    """One walk over an indexed folder, or over a part of it (`path`)."""

    index: Index
    folder_id: int
    path: Path
    encoder_id: int
    max_pixels: int | None
    n_found: int = 0
    failed: list[FailedFile] = field(default_factory=list)  # directories and files that could not be looked at
    _visited: set[Path] = field(default_factory=set)
    _vanished: list[int] = field(default_factory=list)

    def changes(self) -> Iterator[DirectoryChanges]:
        """The changes of each directory in turn."""
        for directory in walk(self.path):
            if directory.unreadable is not None:
                self.failed.append(FailedFile(directory.path, directory.unreadable))
            else:
                self._visited.add(directory.path)
                self.n_found += len(directory.files)
                yield self._changes_in(directory)

    def vanished(self, catalog: Catalog) -> list[int]:
        """After the walk: the ids of files that are in the catalog and no longer on disk.

        Files below an unreadable directory may still be there: they are not counted out.
        """
        ids = list(self._vanished)
        for directory, file_ids in catalog.directories(self.folder_id):
            was_looked_for = directory.is_relative_to(self.path) and directory not in self._visited
            if was_looked_for and not any(directory.is_relative_to(failed.path) for failed in self.failed):
                ids += file_ids
        return ids

    def _changes_in(self, directory: Directory) -> DirectoryChanges:
        with self.index.reading() as catalog:
            known = catalog.known_files(directory.path, self.encoder_id)
        to_read: list[Change] = []
        n_failed = 0
        for file in directory.files:
            before = known.pop(file.path, None)
            if before is None or not self._is_unchanged(before, file):
                to_read.append(Change(self.folder_id, file, before))
            else:
                n_failed += before.fingerprint is None
        for path, reason in directory.bad_files.items():
            known.pop(path, None)
            self.failed.append(FailedFile(path, reason))
        self._vanished += [file.id for file in known.values()]
        n_kept = len(directory.files) - len(to_read) - n_failed
        return DirectoryChanges(to_read, n_kept, n_failed, directory.n_needs_extra)

    def _is_unchanged(self, known: KnownFile, file: FoundFile) -> bool:
        """By size, date and change time: edits that keep the date change the ctime. The device doesn't count."""
        before = (known.size_bytes, known.mtime_ns, known.ctime_ns)
        if before != (file.size_bytes, file.mtime_ns, file.ctime_ns):
            return False
        if known.fingerprint is None:  # a failed one: another limit may mend it
            return known.max_pixels == self.max_pixels
        return known.has_vector
