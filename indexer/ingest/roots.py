"""Which folders a run walks: given ones, or all that the index knows."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from indexer.errors import CosmosSearchError, UsageError
from indexer.store.catalog import Catalog
from indexer.store.records import Folder

__all__ = ["Root", "Roots", "choose_roots", "existing_folder", "real_path"]


@dataclass(frozen=True, slots=True)
class Root:
    """Where a walk starts: an indexed folder, or a part of one."""

    folder: Folder
    path: Path


@dataclass(frozen=True, slots=True)
class Roots:
    """The walks of a run, and what the user should know about the folders it leaves out."""

    found: list[Root]
    warnings: list[str]


def choose_roots(
    catalog: Catalog, folders: Sequence[Path], *, every_one: bool, exclude: Sequence[str] | None = None
) -> Roots:
    """The roots for these folders (real paths), new ones among them; none given, or `every_one`: all indexed ones too.

    exclude: what is left out of the folders walked, from now on; None: what was left out before.
    Raises CosmosSearchError when there is nothing to walk, or when `every_one` can't be walked.
    """
    given = list(folders)
    known = [folder.path for folder in catalog.folders()]
    if not given and not known:
        raise CosmosSearchError("This index holds no folder yet. Name one: cosmos-search index FOLDER")
    missing = [path for path in known if not os.path.isdir(path)]  # noqa: PTH112
    if missing and every_one:
        raise CosmosSearchError(f"{missing[0]} is not there, so its pictures can't be read anew. {_mend(missing[0])}")
    wanted = given if given and not every_one else given + [path for path in known if path not in missing]
    outermost = [path for path in dict.fromkeys(wanted) if not any(p in path.parents for p in wanted)]
    ids = {path: _folder_id(catalog, path) for path in outermost}
    if exclude is not None:
        patterns = _checked(exclude)
        for id_ in ids.values():
            catalog.exclude(id_, patterns)
    indexed = {folder.id: folder for folder in catalog.folders()}
    return Roots(
        found=[Root(indexed[id_], path) for path, id_ in ids.items()],
        warnings=[f"{path} is not there; its pictures stay in the index. {_mend(path)}" for path in missing],
    )


def real_path(folder: Path) -> Path:
    """Absolute and free of links, so that one folder has one name."""
    return Path(os.path.realpath(folder))


def existing_folder(folder: Path) -> Path:
    """Its real path; CosmosSearchError if it isn't a folder."""
    try:
        path = real_path(folder.expanduser())
        is_folder, is_there = path.is_dir(), path.exists()
    except (OSError, RuntimeError, ValueError) as error:  # too long, no such user, not to be looked into
        reason = getattr(error, "strerror", None) or error
        raise CosmosSearchError(f"The folder {folder} can't be looked at ({reason}); look at its spelling.") from error
    if not is_folder:
        problem = "is a file; name the folder it is in" if is_there else "does not exist; look at its spelling"
        raise CosmosSearchError(f"The folder {folder} {problem}: cosmos-search index FOLDER")
    return path


def _folder_id(catalog: Catalog, path: Path) -> int:
    """A part of an indexed folder belongs to that folder."""
    for folder in catalog.folders():
        if path.is_relative_to(folder.path):
            return folder.id
    return catalog.add_folder(path)


def _checked(patterns: Sequence[str]) -> list[str]:
    """An empty pattern stands for none."""
    for pattern in filter(None, patterns):
        try:
            PurePath("x").match(pattern)
        except ValueError as error:
            raise UsageError(f"{pattern!r} matches nothing; name a file or folder, such as thumbs or *.png") from error
        if "\0" in pattern:
            raise UsageError(f"{pattern!r} matches nothing: no name holds a NUL")
    return [pattern for pattern in patterns if pattern]


def _mend(path: Path) -> str:
    return f"Mount it, or forget it: cosmos-search remove {shlex.quote(str(path))}"
