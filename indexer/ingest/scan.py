"""Compare a folder with the catalog: which files to read, and which indexed files are missing."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from stat import S_IFDIR, S_IFMT, S_IFREG

from indexer.pictures.walk import Directory, FoundFile, get_device, is_left_out, walk
from indexer.store.catalog import Catalog
from indexer.store.catalog_writer import CatalogWriter
from indexer.store.index import Index
from indexer.store.records import FailedFile, Folder, KnownFile

__all__ = ["HELD_BACK", "Change", "DirectoryChanges", "Disks", "Missing", "Scan", "find_mounted_disks"]

HELD_BACK = -1  # stored in place of a device for missing files that stay: only `forget_missing` removes them
Disks = set[tuple[int | None, int]]  # of a file system: its device number when files were indexed, and the current one


@dataclass(frozen=True, slots=True)
class Change:
    """A file to read."""

    folder_id: int
    file: FoundFile
    known: KnownFile | None  # its row in the catalog


@dataclass(frozen=True, slots=True)
class DirectoryChanges:
    """The differences between a directory and the catalog."""

    to_read: list[Change]  # new, changed, or without a vector of this encoder
    n_kept: int
    n_failed_before: int  # unchanged files that failed in an earlier run and are not read again
    n_needs_extra: int


@dataclass(frozen=True, slots=True)
class Missing:
    """The ids of indexed files that a scan did not find."""

    gone: list[int]  # proven to be absent
    excluded: list[int]  # matched by an exclude pattern or an ignore file, whether they exist or not
    doubtful: list[int]  # not found, but their disk may not be mounted
    unconfirmed: list[int]  # also doubtful: the directory's numbers are unchanged, but another disk can have the same

    @property
    def all(self) -> list[int]:
        """The ids of all."""
        return self.gone + self.excluded + self.doubtful + self.unconfirmed


@dataclass(slots=True)
class Scan:
    """One walk through an indexed folder, or through a part of it (`path`)."""

    index: Index
    folder: Folder
    path: Path
    encoder_id: int
    max_pixels: int | None
    n_found: int = 0
    failed: list[FailedFile] = field(default_factory=list)  # directories and files that could not be accessed
    _visited: dict[Path, Directory] = field(default_factory=dict)  # without their files
    _repeated: dict[Path, Directory] = field(default_factory=dict)
    _kept: set[tuple[Path, str | None]] = field(default_factory=set)  # directories identified by their files
    _unseen: list[tuple[Path, KnownFile]] = field(default_factory=list)  # missing from directories that were listed
    _renumbered: dict[tuple[int, str], list[int]] = field(default_factory=dict)  # file ids by device and inodes

    def changes(self) -> Iterator[DirectoryChanges]:
        """Walk through the folder and yield the changes of each directory."""
        for directory in walk(self.path, self.folder.exclude, self.folder.path):
            if directory.unreadable is not None:
                self.failed.append(FailedFile(directory.path, directory.unreadable))
            elif directory.is_repeated:
                self._repeated[directory.path] = directory
            else:
                self._visited[directory.path] = replace(directory, files=[], bad_files={})
                self.n_found += len(directory.files)
                yield self._compare_directory(directory)

    def missing(self, catalog: Catalog, disks: Disks) -> Missing:
        """The files in the catalog that the walk did not find. To be called after the walk.

        A file is proven to be absent if the deepest directory on its path that was listed is the same directory as at
        the time of indexing, and the file's disk (see `find_mounted_disks`) is the one that this directory is on now.
        Files that may exist but can't be accessed (no permission, I/O errors) are not missing.
        """
        missing = Missing([], [], [], [])
        places = [(path, S_IFREG, known.device, known.inodes, [known.id]) for path, known in self._unseen]
        for indexed in catalog.directories(self.folder.id):
            if indexed.path.is_relative_to(self.path) and indexed.path not in self._visited:
                places.append((indexed.path, S_IFDIR, indexed.device, indexed.inodes, indexed.file_ids))
        list_names = cache(os.listdir)
        for path, kind, device, inodes, ids in places:
            top = path
            while top != self.path and top.parent not in self._visited:
                top = top.parent
            if top == self.path:
                continue  # no directory was listed
            rules, is_directory = self._visited[top.parent].rules, kind == S_IFDIR or top != path
            if is_left_out(str(top), self.folder.exclude) or rules.matches(str(top), is_directory=is_directory):
                missing.excluded.extend(ids)
                continue
            listed = self._repeated.get(top) if kind == S_IFDIR else None  # it was listed under another path
            if listed is None:
                if _may_exist(top, kind if top == path else S_IFDIR, list_names):
                    continue
                listed = self._visited[top.parent]
            is_same = self._is_same(listed, path if kind == S_IFDIR else path.parent, inodes)
            if not is_same or (top.is_symlink() and not top.exists()):
                missing.doubtful.extend(ids)
            elif (device, listed.device) in disks:
                missing.gone.extend(ids)
            else:
                (missing.unconfirmed if device == listed.device else missing.doubtful).extend(ids)
        return missing

    def record_numbers(self, catalog: CatalogWriter) -> None:
        """Write the current device and inodes of unchanged files where they differ from the catalog."""
        for (device, inodes), ids in self._renumbered.items():
            catalog.set_device(ids, device, inodes)

    def _is_same(self, listed: Directory, directory: Path, inodes: str | None) -> bool:
        """True if the files of `directory` were indexed in or below the directory that was listed now.

        It is identified by its inode, or, where inodes change or were not recorded, by half of its files.
        """
        level = len(directory.parts) - len(listed.path.parts)
        if inodes is None:
            return level == 0 and (listed.path, None) in self._kept
        assert listed.inodes is not None
        recorded = inodes.split()[level:]
        return bool(recorded) and (
            recorded[0] == listed.inodes.split()[0] or (listed.path, " ".join(recorded)) in self._kept
        )

    def _compare_directory(self, directory: Directory) -> DirectoryChanges:
        known = self.index.retry(lambda: self._read_known(directory.path))
        n_known = Counter(before.inodes for before in known.values())
        n_same: Counter[str | None] = Counter()
        to_read: list[Change] = []
        n_failed = 0
        for file in directory.files:
            before = known.pop(file.path, None)
            if before is None or self._needs_reading(before, file):
                to_read.append(Change(self.folder.id, file, before))
            else:
                n_failed += before.fingerprint is None
            if before is not None and _is_unchanged(before, file):
                n_same[before.inodes] += 1
                self._record_numbers(before, file)
        for path, reason in directory.bad_files.items():
            known.pop(path, None)
            self.failed.append(FailedFile(path, reason))
        self._unseen += known.items()
        self._kept |= {(directory.path, inodes) for inodes, n in n_same.items() if 2 * n >= n_known[inodes]}
        n_kept = len(directory.files) - len(to_read) - n_failed
        return DirectoryChanges(to_read, n_kept, n_failed, directory.n_needs_extra)

    def _read_known(self, directory: Path) -> dict[Path, KnownFile]:
        with self.index.reading() as catalog:
            return catalog.files_in(directory, self.encoder_id)

    def _needs_reading(self, known: KnownFile, file: FoundFile) -> bool:
        if not _is_unchanged(known, file):
            return True
        if known.fingerprint is None:  # it failed; it may not fail under another limit
            return known.max_pixels != self.max_pixels
        return not known.has_vector

    def _record_numbers(self, known: KnownFile, file: FoundFile) -> None:
        assert file.device is not None
        assert file.inodes is not None
        if (known.device, known.inodes) != (file.device, file.inodes):
            self._renumbered.setdefault((file.device, file.inodes), []).append(known.id)


def find_mounted_disks(catalog: Catalog, encoder_id: int, place: Path | None) -> Disks:
    """The mounted file systems, each identified by a file that is unchanged since it was indexed.

    The device number (st_dev) is not sufficient: it may change with each mount, and another disk may get it. Only the
    file system of an index in a directory (`place`) is assumed to have kept its number if no file identifies it.
    To be called before a run writes, because it compares files with the catalog.
    """
    disks: Disks = set()
    for directory, device in catalog.devices():
        try:
            pair = device, get_device(directory.stat())
        except OSError:
            continue
        if pair not in disks and device != HELD_BACK:
            indexed = catalog.files_in(directory, encoder_id)
            if any(_is_there_unchanged(path, file) for path, file in indexed.items() if file.device == device):
                disks.add(pair)
    if place is None:
        return disks
    current = get_device(place.stat())
    return disks if any(now == current for _, now in disks) else disks | {(current, current)}


def _is_there_unchanged(path: Path, known: KnownFile) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return _is_unchanged(known, FoundFile(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns))


def _is_unchanged(known: KnownFile, file: FoundFile) -> bool:
    """By size, mtime and ctime. Programs can't set the ctime, so it reveals edits and copies that keep the mtime."""
    before = known.size_bytes, known.mtime_ns, known.ctime_ns
    return before == (file.size_bytes, file.mtime_ns, file.ctime_ns)


def _may_exist(path: Path, kind: int, list_names: Callable[[Path], list[str]]) -> bool:
    """True if there is something of this kind (stat's type of file) and exact name at `path`, or it can't be accessed.

    The names are compared because a file system may ignore case.
    """
    try:
        found = S_IFMT(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    try:
        return found == kind and path.name in list_names(path.parent)
    except OSError:
        return True
