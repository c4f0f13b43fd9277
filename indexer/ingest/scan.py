"""What changed in a folder since the catalog was written: the files to read, and those that vanished."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from stat import S_IFDIR, S_IFMT, S_IFREG

from indexer.pictures.walk import Directory, FoundFile, device_of, is_left_out, walk
from indexer.store.catalog import Catalog
from indexer.store.index import Index
from indexer.store.records import FailedFile, Folder, KnownFile

__all__ = ["HELD_BACK", "Change", "DirectoryChanges", "Disks", "Missing", "Scan", "known_disks"]

HELD_BACK = -1  # in place of a device: missing, and forgotten only when that is asked for
Disks = set[tuple[int | None, int]]  # the number of a file system when files on it were indexed, and its number now


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

    gone: list[int]  # their absence is proven
    excluded: list[int]  # left out now, whether they are there or not
    doubtful: list[int]  # not to be found, but a disk may not be mounted
    unconfirmed: list[int]  # as doubtful: their directory has the numbers that it had, but perhaps on another disk

    @property
    def all(self) -> list[int]:
        """The ids of all."""
        return self.gone + self.excluded + self.doubtful + self.unconfirmed


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
    _visited: dict[Path, Directory] = field(default_factory=dict)  # without their files
    _repeated: dict[Path, Directory] = field(default_factory=dict)
    _kept: set[tuple[Path, str | None]] = field(default_factory=set)  # directories known again by their files
    _unseen: list[tuple[Path, KnownFile]] = field(default_factory=list)  # missing from directories that were read
    _renumbered: dict[tuple[int, str], list[int]] = field(default_factory=dict)  # files by their new numbers

    def changes(self) -> Iterator[DirectoryChanges]:
        """The changes of each directory in turn."""
        for directory in walk(self.path, self.folder.exclude, self.folder.path):
            if directory.unreadable is not None:
                self.failed.append(FailedFile(directory.path, directory.unreadable))
            elif directory.is_repeated:
                self._repeated[directory.path] = directory
            else:
                self._visited[directory.path] = replace(directory, files=[], bad_files={})
                self.n_found += len(directory.files)
                yield self._changes_in(directory)

    def missing(self, catalog: Catalog, disks: Disks) -> Missing:
        """After the walk: the files that are in the catalog and were not found.

        Absence is proven if the deepest directory on a file's path that was read is the very directory that the file
        was indexed in or below, and the file's disk (see `known_disks`) is the one that this directory is on now.
        Files that may be there, but can't be looked at (no permission, I/O errors), are not missing.
        """
        missing = Missing([], [], [], [])
        places = [(path, S_IFREG, known.device, known.inodes, [known.id]) for path, known in self._unseen]
        for directory, device, inodes, ids in catalog.directories(self.folder.id):
            if directory.is_relative_to(self.path) and directory not in self._visited:
                places.append((directory, S_IFDIR, device, inodes, ids))
        names_in = cache(os.listdir)
        for path, kind, device, inodes, ids in places:
            top = path
            while top != self.path and top.parent not in self._visited:
                top = top.parent
            if top == self.path:
                continue  # nothing was read at all
            if is_left_out(str(top), self.folder.exclude):
                missing.excluded.extend(ids)
                continue
            read = self._repeated.get(top) if kind == S_IFDIR else None  # it has another path now
            if read is None:
                if self._may_be_there(top, kind if top == path else S_IFDIR, names_in):
                    continue
                read = self._visited[top.parent]
            is_same = self._is_same(read, path if kind == S_IFDIR else path.parent, inodes)
            if not is_same or _is_link_to_nothing(top):
                missing.doubtful.extend(ids)
            elif (device, read.device) in disks:
                missing.gone.extend(ids)
            else:
                (missing.unconfirmed if device == read.device else missing.doubtful).extend(ids)
        return missing

    def record_numbers(self, catalog: Catalog) -> None:
        """Of the directories of files that were found unchanged, where they are others than before."""
        for (device, inodes), ids in self._renumbered.items():
            catalog.set_device(ids, device, inodes)

    def _may_be_there(self, path: Path, kind: int, names_in: Callable[[Path], list[str]]) -> bool:
        """Whether something of this kind and name is there, though the walk did not come to it, or can't be seen."""
        try:
            return _kind(path) == kind and path.name in names_in(path.parent)  # else found by a name in other case
        except OSError:
            return True

    def _is_same(self, read: Directory, directory: Path, inodes: str | None) -> bool:
        """Whether a directory that was read is the one in or below which the files of `directory` were indexed.

        It is known again by its inode, or, where inodes change or were not recorded, by half of its files.
        """
        level = len(directory.parts) - len(read.path.parts)
        if inodes is None:
            return level == 0 and (read.path, None) in self._kept
        assert read.inodes is not None
        recorded = inodes.split()[level:]
        return bool(recorded) and (
            recorded[0] == read.inodes.split()[0] or (read.path, " ".join(recorded)) in self._kept
        )

    def _changes_in(self, directory: Directory) -> DirectoryChanges:
        with self.index.reading() as catalog:
            known = catalog.known_files(directory.path, self.encoder_id)
        n_known = Counter(before.inodes for before in known.values())
        n_same: Counter[str | None] = Counter()
        to_read: list[Change] = []
        n_failed = 0
        for file in directory.files:
            before = known.pop(file.path, None)
            if before is None or not self._needs_nothing(before, file):
                to_read.append(Change(self.folder.id, file, before))
            else:
                n_failed += before.fingerprint is None
            if before is not None and _is_unchanged(before, file):
                n_same[before.inodes] += 1
                self._note_numbers(before, file)
        for path, reason in directory.bad_files.items():
            known.pop(path, None)
            self.failed.append(FailedFile(path, reason))
        self._unseen += known.items()
        self._kept |= {(directory.path, inodes) for inodes, n in n_same.items() if 2 * n >= n_known[inodes]}
        n_kept = len(directory.files) - len(to_read) - n_failed
        return DirectoryChanges(to_read, n_kept, n_failed, directory.n_needs_extra)

    def _note_numbers(self, known: KnownFile, file: FoundFile) -> None:
        assert file.device is not None
        assert file.inodes is not None
        if (known.device, known.inodes) != (file.device, file.inodes):
            self._renumbered.setdefault((file.device, file.inodes), []).append(known.id)

    def _needs_nothing(self, known: KnownFile, file: FoundFile) -> bool:
        """Whether a file is unchanged, and needs no new vector."""
        if not _is_unchanged(known, file):
            return False
        if known.fingerprint is None:  # a failed one: another limit may mend it
            return known.max_pixels == self.max_pixels
        return known.has_vector


def known_disks(catalog: Catalog, encoder_id: int, place: Path) -> Disks:
    """The file systems that are there, known again by a file that did not change since it was indexed.

    A number (st_dev) is no proof: it may change with each mount, and another disk may get it. Only the file system that
    the index itself is on (`place`) is taken to have its number still, where no file tells of it.
    To be called before a run writes: it compares with what was indexed.
    """
    disks: Disks = set()
    for directory, device in catalog.devices():
        try:
            pair = device, device_of(directory.stat())
        except OSError:
            continue
        if pair not in disks and device != HELD_BACK:
            known = catalog.known_files(directory, encoder_id)
            if any(_is_there_unchanged(path, file) for path, file in known.items() if file.device == device):
                disks.add(pair)
    here = device_of(place.stat())
    return disks if any(now == here for _, now in disks) else disks | {(here, here)}


def _is_there_unchanged(path: Path, known: KnownFile) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return _is_unchanged(known, FoundFile(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns))


def _is_unchanged(known: KnownFile, file: FoundFile) -> bool:
    """By size, date and change time: nobody can set a ctime, so edits and copies that keep the date have another."""
    before = known.size_bytes, known.mtime_ns, known.ctime_ns
    return before == (file.size_bytes, file.mtime_ns, file.ctime_ns)


def _is_link_to_nothing(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


def _kind(path: Path) -> int:
    """What is at `path`, as stat's type of file; 0: nothing, or a link to nothing."""
    try:
        return S_IFMT(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return 0
