"""Temporary folders in which a file or folder is made before it is renamed; those of processes that died are swept."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["draft_folder", "sweep_drafts"]

PREFIXES = (".making-", ".removing-")


@contextmanager
def draft_folder(parent: Path, prefix: str = PREFIXES[0]) -> Iterator[Path]:
    """A new folder in `parent`, removed on leaving; what dead processes left there is removed first.

    A lock file beside it, held as long as this is entered, tells that the folder is in use; the system frees the lock
    when the process dies. Raises OSError if the disk does not take it.
    """
    parent.mkdir(parents=True, exist_ok=True)
    sweep_drafts(parent)
    folder = parent / f"{prefix}{secrets.token_hex(4)}"
    lock = FileLock(_lock_of(folder))
    with lock:  # before the folder: so no folder in use is ever without a lock
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            Path(lock.lock_file).unlink(missing_ok=True)


def sweep_drafts(parent: Path) -> None:
    """Remove the draft folders of processes that died; never one in use, and nothing that can't be removed."""
    for prefix in PREFIXES:
        for folder in {path.with_name(path.name.removesuffix(".lock")) for path in parent.glob(f"{prefix}*")}:
            try:
                with FileLock(_lock_of(folder), timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
                    _lock_of(folder).unlink(missing_ok=True)
            except (Timeout, OSError):  # in use, or another user's
                continue


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
