"""A catalog in SQLite, in a directory with its vector file."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Engine

from indexer.store.database import checkpoint, is_writable, open_database, vacuum
from indexer.store.errors import (
    CreateIndexError,
    IndexAccessError,
    IndexBusyError,
    NoIndexError,
    ReadOnlyIndexError,
    StorageError,
)
from indexer.store.storage_errors import explain_storage_errors

__all__ = ["CATALOG", "DirectoryBackend", "create_directory", "open_directory"]

CATALOG = "catalog.db"
LOCK = "lock"


def open_directory(place: Path) -> Engine:
    """An engine for the catalog in a directory. Raises NoIndexError if there is none, StorageError if it fails."""
    try:
        (place / CATALOG).stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoIndexError(place) from error
    except OSError as error:
        raise IndexAccessError(place, f"can't be opened ({error.strerror})") from error
    try:
        return open_database(place / CATALOG, create=False)
    except StorageError:  # on a full disk SQLite can't create its helper files; read-only access needs none
        return open_database(place / CATALOG, create=False, read_only=True)


def create_directory(place: Path) -> Engine:
    """An engine for the catalog in a directory, which is created. Raises CreateIndexError if other files are there.

    A new directory is accessible to its owner only: the catalog holds names, places and dates of pictures.
    """
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = [path.name for path in place.iterdir()]
        unexpected = [name for name in found if not name.startswith((CATALOG, LOCK))]
        if unexpected and CATALOG not in found:
            raise CreateIndexError(place, f"the directory holds other files ({unexpected[0]})")
        if not is_writable(place / CATALOG):
            raise ReadOnlyIndexError(place)
        with _lock(place):
            return open_database(place / CATALOG)
    except OSError as error:
        raise CreateIndexError(place, error.strerror or str(error)) from error


class DirectoryBackend:
    """Implements indexer.store.backend.Backend."""

    is_shared = False

    def __init__(self, place: Path, engine: Engine) -> None:
        self.cache_directory = self._place = place
        self.reader = engine
        self.writer = engine.execution_options(write=True)

    def read_identity(self) -> tuple[int, ...] | None:
        """Device and inode of the database's file; if it is read-only, also what changes with its content."""
        path = self._place / CATALOG
        try:
            status = path.stat()
        except OSError:
            return None
        if is_writable(path):
            return status.st_dev, status.st_ino
        # A read-only database may be open as immutable (see `database._choose_mode`); changes then require reopening.
        log = path.with_name(path.name + "-wal")
        return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size, log.exists() and log.stat().st_size

    def explain_errors(self) -> AbstractContextManager[None]:
        """Turn errors of SQLite and the disk into CosmosSearchErrors."""
        return explain_storage_errors(self._place, self.reader)

    def lock(self) -> AbstractContextManager[None]:
        """Exclude other writing processes; raises IndexBusyError if there is one."""
        return _lock(self._place)

    def lock_files(self, *, wait: bool = True) -> AbstractContextManager[None]:
        """Those who write vector files hold the lock."""
        return nullcontext()

    def keep_lock(self) -> None:
        """A file's lock is kept by itself."""

    def flush(self) -> None:
        """Write all commits to the disk."""
        with explain_storage_errors(self._place):
            checkpoint(self.reader)

    def compact(self) -> None:
        """Make the database file smaller if most of it is unused."""
        vacuum(self.reader)

    def size_bytes(self) -> int:
        """The size of all files but those of FAISS."""
        size = 0
        with suppress(FileNotFoundError):
            for path in self._place.iterdir():
                if not path.name.startswith("vectors-"):
                    with suppress(FileNotFoundError):  # deleted by a run in another process
                        size += path.stat().st_size
        return size


@contextmanager
def _lock(place: Path) -> Iterator[None]:
    lock = FileLock(place / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise IndexBusyError(place) from error
    except PermissionError as error:
        raise ReadOnlyIndexError(place) from error
    except OSError as error:
        raise IndexAccessError(place, f"can't be locked ({error.strerror or error})") from error
    try:
        yield
    finally:
        lock.release()
