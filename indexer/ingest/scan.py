"""What changed in a folder since the catalog was written: the files to read, and those that vanished."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from stat import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG

from indexer.pictures.walk import Directory, FoundFile, device_of, is_left_out, walk
from indexer.store.catalog import Catalog
from indexer.store.index import Index
from indexer.store.records import FailedFile, Folder, KnownFile

__all__ = ["HELD_BACK", "Change", "DirectoryChanges", "Missing", "Scan"]

HELD_BACK = -1  # in place of a device: missing, and forgotten only when that is asked for


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


@dataclass(frozen=True, slots=True)
class Missing:
    """Indexed files that a walk did not find, by id."""

    gone: list[int]  # their directory was read, and does not hold them
    excluded: list[int]  # left out now, whether they are there or not
    doubtful: list[int]  # not to be found, but a disk may not be mounted


@dataclass(slots=True)
class Scan:
    """One walk over an indexed folder, or over a part of it (`path`)."""

    index: Index
    folder: Folder
    path: Path
    encoder_id: int
    max_pixels: int | None
    n_found: int = 0
    failed: list[FailedFile] = field(default_factory=list)  # directories and files that could not be looked at
    _visited: set[Path] = field(default_factory=set)
    _repeated: set[Path] = field(default_factory=set)
    _unseen: list[tuple[Path, KnownFile]] = field(default_factory=list)  # missing from directories that were read
    _remounted: dict[tuple[int | None, int], list[int]] = field(default_factory=dict)  # files by old and new device

    def changes(self) -> Iterator[DirectoryChanges]:
        """The changes of each directory in turn."""
        for directory in walk(self.path, self.folder.exclude):
            if directory.unreadable is not None:
                self.failed.append(FailedFile(directory.path, directory.unreadable))
            elif directory.is_repeated:
                self._repeated.add(directory.path)
            else:
                self._visited.add(directory.path)
                self.n_found += len(directory.files)
                yield self._changes_in(directory)

    def missing(self, catalog: Catalog) -> Missing:
        """After the walk: the files that are in the catalog and were not found.

        Absence is proven by a directory that was read and still is on the file system that its files were on. A file
        system may have another device number each time it is mounted: it is known again by a file that did not change.
        Files that may be there, but can't be looked at (no permission, I/O errors), are not missing.
        """
        missing = Missing([], [], [])
        places = [(path, S_IFREG, known.device, [known.id]) for path, known in self._unseen]
        for directory, device, ids in catalog.directories(self.folder.id):
            if directory.is_relative_to(self.path) and directory not in self._visited:
                places.append((directory, S_IFDIR, device, ids))
        names_in = cache(os.listdir)
        for path, kind, device, ids in places:
            ids_like_it = self._choose(missing, path, kind, device, names_in)
            if ids_like_it is not None:
                ids_like_it += ids
        return missing

    def record_devices(self, catalog: Catalog) -> None:
        """Of the files that were found on another device than before, or for which none was recorded."""
        for (_, device), ids in self._remounted.items():
            catalog.set_device(ids, device)

    def _choose(
        self, missing: Missing, path: Path, kind: int, device: int | None, names_in: Callable[[Path], list[str]]
    ) -> list[int] | None:
        """The list for a file, or for a directory of files, that the walk did not come to; None: it may be there."""
        top = path
        while top != self.path and top.parent not in self._visited:
            top = top.parent
        if top == self.path:
            return None  # nothing was read at all
        if is_left_out(str(top), self.folder.exclude):
            return missing.excluded
        if top in self._repeated:
            return missing.gone  # it has another path now
        try:
            found = _kind(top)
            is_spelled_so = found != 0 and top.name in names_in(top.parent)  # else found by a name in other case
            device_now = device_of(top.parent.stat())
        except OSError:
            return None
        if found == S_IFLNK:  # to nothing
            return missing.doubtful
        if found == (kind if top == path else S_IFDIR) and is_spelled_so:
            return None
        is_proven = device in (None, device_now) or (device != HELD_BACK and (device, device_now) in self._remounted)
        return missing.gone if is_proven else missing.doubtful

    def _changes_in(self, directory: Directory) -> DirectoryChanges:
        with self.index.reading() as catalog:
            known = catalog.known_files(directory.path, self.encoder_id)
        to_read: list[Change] = []
        n_failed = 0
        for file in directory.files:
            before = known.pop(file.path, None)
            if before is None or not self._is_unchanged(before, file):
                to_read.append(Change(self.folder.id, file, before))
            else:
                n_failed += before.fingerprint is None
            if before is not None and (before.size_bytes, before.mtime_ns) == (file.size_bytes, file.mtime_ns):
                self._see_device(before, directory)
        for path, reason in directory.bad_files.items():
            known.pop(path, None)
            self.failed.append(FailedFile(path, reason))
        self._unseen += known.items()
        n_kept = len(directory.files) - len(to_read) - n_failed
        return DirectoryChanges(to_read, n_kept, n_failed, directory.n_needs_extra)

    def _see_device(self, known: KnownFile, directory: Directory) -> None:
        assert directory.device is not None
        if known.device != directory.device:
            self._remounted.setdefault((known.device, directory.device), []).append(known.id)

    def _is_unchanged(self, known: KnownFile, file: FoundFile) -> bool:
        """By size, date and change time: edits that keep the date change the ctime. The device doesn't count."""
        before = (known.size_bytes, known.mtime_ns, known.ctime_ns)
        if before != (file.size_bytes, file.mtime_ns, file.ctime_ns):
            return False
        if known.fingerprint is None:  # a failed one: another limit may mend it
            return known.max_pixels == self.max_pixels
        return known.has_vector


def _kind(path: Path) -> int:
    """What is at `path`, as stat's type of file: 0: nothing, S_IFLNK: a link to nothing."""
    try:
        kind = S_IFMT(path.lstat().st_mode)
        return S_IFMT(path.stat().st_mode) if kind == S_IFLNK else kind
    except FileNotFoundError:
        return S_IFLNK if path.is_symlink() else 0
