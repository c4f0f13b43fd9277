"""An open index: a directory with the catalog, and the FAISS index of its vectors."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock

from filelock import FileLock, Timeout
from sqlalchemy import Engine

from indexer.errors import (
    CreateIndexError,
    EmptyIndexError,
    IndexAccessError,
    IndexBusyError,
    NoIndexError,
    ReadOnlyIndexError,
    ReplacedIndexError,
    StorageError,
)
from indexer.store.catalog import Catalog
from indexer.store.catalog_writer import CatalogWriter
from indexer.store.database import checkpoint, is_writable, open_database, vacuum
from indexer.store.snapshot import IndexSnapshot
from indexer.store.storage_errors import explain_storage_errors
from indexer.store.vector_cache import VectorCache
from indexer.store.vectors import EXACT_ROWS

__all__ = ["Index"]

CATALOG = "catalog.db"
LOCK = "lock"


class Index:
    """An index that is open. The FAISS file is derived from the database and may be deleted at any time.

    Thread-safe. One process at a time may write (see `lock`), any number may read.
    """

    exact_rows = EXACT_ROWS  # an index with more vectors stores them as compact codes

    def __init__(self, place: Path, engine: Engine) -> None:
        self.place = place
        self.identity = self._read_identity()  # differs from that of a later index at the same place
        self._engine = engine
        self._writer = engine.execution_options(write=True)
        self._vectors = VectorCache(place, self.exact_rows)
        self._guard = Lock()  # of _vectors

    @staticmethod
    def is_at(place: Path) -> bool:
        """True if there is an index at `place`."""
        return os.path.isfile(place / CATALOG)  # noqa: PTH113 (Path.is_file raises without permission)

    @classmethod
    def open(cls, place: Path) -> "Index":
        """Open the index at `place`. Raises NoIndexError if there is none, StorageError if it can't be opened."""
        try:
            (place / CATALOG).stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NoIndexError(place) from error
        except OSError as error:
            raise IndexAccessError(place, f"can't be opened ({error.strerror})") from error
        try:
            return cls(place, open_database(place / CATALOG, create=False))
        except StorageError:  # on a full disk SQLite can't create its helper files; read-only access needs none
            return cls(place, open_database(place / CATALOG, create=False, read_only=True))

    @classmethod
    def create(cls, place: Path) -> "Index":
        """Open the index at `place`, or create it. Raises CreateIndexError if other files are there.

        A new directory is accessible to its owner only: the catalog holds names, places and dates of pictures.
        """
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            unexpected = [p.name for p in place.iterdir() if not p.name.startswith((CATALOG, LOCK))]
            if unexpected and not cls.is_at(place):
                raise CreateIndexError(place, f"the directory holds other files ({unexpected[0]})")
            if not is_writable(place / CATALOG):
                raise ReadOnlyIndexError(place)
            with _lock(place):
                return cls(place, open_database(place / CATALOG))
        except OSError as error:
            raise CreateIndexError(place, error.strerror or str(error)) from error

    def close(self) -> None:
        """Close the database's files."""
        self._engine.dispose()

    def is_current(self) -> bool:
        """False if the index at this place was deleted or replaced, or has changed in a way this object can't see."""
        return self.identity is not None and self.identity == self._read_identity()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Exclude other writing processes; raises IndexBusyError if there is one. Released if the process dies."""
        with _lock(self.place):
            yield

    @contextmanager
    def reading(self) -> Iterator[Catalog]:
        """The catalog at this moment; later changes by others are not seen.

        Raises CosmosSearchError if the disk or the database fails.
        """
        with explain_storage_errors(self.place, self._engine), self._engine.begin() as connection:
            yield Catalog(connection)

    @contextmanager
    def reading_pictures(self) -> Iterator[Catalog]:
        """Like `reading`. Raises EmptyIndexError if there are no pictures."""
        with self.reading() as catalog:
            if not catalog.n_pictures():
                raise EmptyIndexError(self.place)
            yield catalog

    @contextmanager
    def writing(self) -> Iterator[CatalogWriter]:
        """One transaction: all changes inside are kept, or none.

        Raises CosmosSearchError if the disk or the database fails, or if the index at its place was replaced.
        """
        with explain_storage_errors(self.place, self._engine), self._writer.begin() as connection:
            yield CatalogWriter(connection)
        if not self.is_current():  # SQLite writes to a deleted file without an error
            raise ReplacedIndexError(self.place)

    @contextmanager
    def snapshot(self) -> Iterator[IndexSnapshot | None]:
        """The catalog and its vectors at this moment; None in a new index.

        Any number of threads may be inside: only updating the vectors is exclusive.
        """
        with ExitStack() as stack:
            with self._guard:  # so that transactions begin in the order in which the vectors are updated
                catalog = stack.enter_context(self.reading())
                encoder = catalog.encoder()
                vectors = None if encoder is None else self._vectors.update(catalog, encoder)
            yield None if encoder is None or vectors is None else IndexSnapshot(catalog, encoder, vectors)

    def save_vectors(self) -> None:
        """Write the files of the vectors, delete older ones, and compact the database if most of it is unused.

        Raises CosmosSearchError if they can't be written; they can be created from the catalog at any time.
        """
        with self._guard, self.reading() as catalog:
            encoder = catalog.encoder()
            if encoder is None:
                return
            if not self._vectors.is_saved(catalog, encoder):
                if not self.is_current():
                    raise ReplacedIndexError(self.place)
                with explain_storage_errors(self.place):
                    checkpoint(self._engine)  # first, so that the files never contain commits that can be lost
                self._vectors.save(catalog, encoder)
            self._vectors.delete_old_files(catalog, encoder)
        with self.writing() as writer:
            writer.drop_old_versions()
        vacuum(self._engine)

    def size_bytes(self) -> dict[str, int]:
        """The sizes on disk: {"catalog": ..., "vectors": ...}."""
        sizes = {"catalog": 0, "vectors": 0}
        with suppress(FileNotFoundError):
            for path in self.place.iterdir():
                kind = "vectors" if path.name.startswith("vectors-") else "catalog"
                with suppress(FileNotFoundError):  # deleted by a run in another process
                    sizes[kind] += path.stat().st_size
        return sizes

    def _read_identity(self) -> tuple[int, ...] | None:
        path = self.place / CATALOG
        try:
            status = path.stat()
        except OSError:
            return None
        if is_writable(path):
            return status.st_dev, status.st_ino
        # A read-only database may be open as immutable (see `database._choose_mode`); changes then require reopening.
        log = path.with_name(path.name + "-wal")
        return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size, log.exists() and log.stat().st_size


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
