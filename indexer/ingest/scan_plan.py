"""Choose the folders that a run scans: given ones, or all indexed ones."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path, PurePath

from indexer.errors import CosmosSearchError, UsageError
from indexer.ingest.errors import FolderError, MissingFolderError, NoFoldersError
from indexer.pictures.walk import Directory, walk
from indexer.store.catalog_writer import CatalogWriter
from indexer.store.records import Folder

__all__ = ["ScanPlan", "ScanRoot", "plan_scan", "plan_walks", "real_path", "resolve_folder"]

SET = re.compile(r"\[!?\]?[^\]]*\]")  # of characters, in a glob pattern


@dataclass(frozen=True, slots=True)
class ScanRoot:
    """The start of a scan: an indexed folder, or a directory inside one."""

    folder: Folder
    path: Path


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """The scans of a run, and warnings about folders that it cannot scan."""

    roots: list[ScanRoot]
    warnings: list[CosmosSearchError]


def plan_scan(
    catalog: CatalogWriter, folders: Sequence[Path], *, include_all: bool, exclude: Sequence[str] | None = None
) -> ScanPlan:
    """The scans of these folders (real paths), which are added to the catalog; without any, of all indexed folders.

    include_all: scan all indexed folders besides the given ones.
    exclude: glob patterns to store with the scanned folders, see `indexer.pictures.walk.is_left_out`; None: keep those
    that are stored.
    Raises NoFoldersError if there is nothing to scan, MissingFolderError if `include_all` and a folder is not there.
    """
    given = list(folders)
    indexed = [folder.path for folder in catalog.folders()]
    if not given and not indexed:
        raise NoFoldersError
    missing = [path for path in indexed if not os.path.isdir(path)]  # noqa: PTH112
    if missing and include_all:
        raise MissingFolderError(missing[0], True)
    wanted = given if given and not include_all else given + [path for path in indexed if path not in missing]
    ids = {path: _add_folder(catalog, path) for path in _drop_inner(wanted)}
    if exclude is not None:
        patterns = _check_patterns(exclude)
        for id_ in ids.values():
            catalog.exclude(id_, patterns)
    by_id = {folder.id: folder for folder in catalog.folders()}
    return ScanPlan(
        roots=[ScanRoot(by_id[id_], path) for path, id_ in ids.items()],
        warnings=[MissingFolderError(path) for path in missing],
    )


def plan_walks(
    indexed: Sequence[Folder], folders: Sequence[Path], exclude: Sequence[str] | None = None
) -> list[Iterator[Directory]]:
    """Walks over what a run would scan, which change nothing: over these folders (real paths), or all indexed ones."""
    walks = []
    for path in _drop_inner(folders or [folder.path for folder in indexed]):
        inside = [folder for folder in indexed if path.is_relative_to(folder.path)]
        stored = [pattern for folder in inside for pattern in folder.exclude]
        walks.append(walk(path, stored if exclude is None else exclude, inside[0].path if inside else None))
    return walks


def real_path(folder: Path) -> Path:
    """The absolute path without links: the same for every path of one folder."""
    return Path(os.path.realpath(folder))


def resolve_folder(folder: Path) -> Path:
    """The real path of an existing folder. Raises FolderError if there is none."""
    try:
        path = real_path(folder.expanduser())
        is_folder, is_there = path.is_dir(), path.exists()
    except (OSError, RuntimeError, ValueError) as error:  # the name is too long, no such user, no permission
        reason = getattr(error, "strerror", None) or error
        raise FolderError(folder, f"can't be opened ({reason}); check its spelling") from error
    if not is_folder:
        raise FolderError(
            folder, "is a file; name the folder that contains it" if is_there else "does not exist; check its spelling"
        )
    return path


def _drop_inner(paths: Sequence[Path]) -> list[Path]:
    """The different ones of these paths that lie in no other of them."""
    return [path for path in dict.fromkeys(paths) if not any(other in path.parents for other in paths)]


def _add_folder(catalog: CatalogWriter, path: Path) -> int:
    """The id of the indexed folder that contains `path`; `path` itself is added if there is none."""
    for folder in catalog.folders():
        if path.is_relative_to(folder.path):
            return folder.id
    return catalog.add_folder(path)


def _check_patterns(patterns: Sequence[str]) -> list[str]:
    """The patterns without empty ones. Raises UsageError for a pattern that is not valid or can't match."""
    for pattern in filter(None, patterns):
        try:
            PurePath("x").match(pattern)
            matches_nothing = any("(?!)" in translate(part) for part in PurePath(pattern).parts)  # [z-a]
        except ValueError:
            matches_nothing = True
        if matches_nothing:
            raise UsageError(f"{pattern!r} matches nothing; name a file or folder, such as thumbs or *.png")
        if "\0" in pattern:
            raise UsageError(f"{pattern!r} matches nothing: no name contains a NUL")
        if any("[" in SET.sub("", part) for part in PurePath(pattern).parts):
            raise UsageError(f"{pattern!r} is not a valid pattern: its [ has no ]. For the character write [[]")
    return [pattern for pattern in patterns if pattern]
