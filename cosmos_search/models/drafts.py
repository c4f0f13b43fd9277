"""Temporary folders in which a file or folder is written before it is renamed; those of dead processes are deleted."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["draft_folder"]

PREFIXES = (".making-", ".removing-")


@contextmanager
def draft_folder(parent: Path, prefix: str = PREFIXES[0]) -> Iterator[Path]:
    """A new folder in `parent`, deleted on exit; those that dead processes left in `parent` are deleted first.

    A lock file beside the folder is held until exit, which marks the folder as in use; the operating system releases
    the lock when the process dies. Raises OSError if the folder cannot be written.
    """
    from filelock import FileLock  # takes 6 ms, and a search makes no drafts

    parent.mkdir(parents=True, exist_ok=True)
    _delete_abandoned(parent)
    folder = parent / f"{prefix}{secrets.token_hex(4)}"
    lock = FileLock(_lock_file(folder))
    with lock:  # acquired before the folder is created, so that no folder in use is ever without a lock
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            Path(lock.lock_file).unlink(missing_ok=True)


def _delete_abandoned(parent: Path) -> None:
    """Delete the draft folders of dead processes; skip those in use and those that cannot be deleted."""
    from filelock import FileLock, Timeout

    for prefix in PREFIXES:
        for folder in {path.with_name(path.name.removesuffix(".lock")) for path in parent.glob(f"{prefix}*")}:
            try:
                with FileLock(_lock_file(folder), timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
                    _lock_file(folder).unlink(missing_ok=True)
            except (Timeout, OSError):  # in use, or another user's
                continue


def _lock_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
