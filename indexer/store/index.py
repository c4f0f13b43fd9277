"""One opened index: a directory with its catalog, and the vectors in FAISS that are kept in step with it."""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from shlex import quote
from threading import Lock

import numpy as np
from filelock import FileLock, Timeout
from sqlalchemy import Engine

from indexer.errors import CosmosSearchError, IndexBusyError, NoIndexError, StorageError
from indexer.store.catalog import Catalog
from indexer.store.database import is_writable, open_database
from indexer.store.records import EncoderRecord
from indexer.store.snapshot import IndexSnapshot
from indexer.store.storage_errors import explain_storage_errors, replaced_index
from indexer.store.vectors import EXACT_ROWS, VectorIndex

__all__ = ["Index", "no_pictures"]

CATALOG = "catalog.db"
LOCK = "lock"
VACUUM_BYTES = 10_000_000  # of free pages, and more than half of the file: then the file is made smaller

log = logging.getLogger(__name__)


class Index:
    """The database is the only truth; the FAISS file beside it is derived and may be deleted at any time.

    The file's name holds the encoder's id and the catalog's version, so a glance tells whether it is up to date.
    Safe to use from several threads; one process at a time may write (`lock`), any number may read.
    """

    exact_rows = EXACT_ROWS  # with more, vectors are kept as compact codes

    def __init__(self, place: Path, engine: Engine) -> None:
        self.place = place
        self.identity = self._current_identity()  # tells it from a later index at the same place
        self._engine = engine
        self._writer = engine.execution_options(write=True)
        self._vectors: VectorIndex | None = None  # never changed, only replaced: others may be searching it
        self._state: tuple[int, int] | None = None  # encoder id and version of _vectors
        self._is_saved = False  # whether _vectors are what the file of their state holds
        self._guard = Lock()  # of the four

    @staticmethod
    def is_at(place: Path) -> bool:
        """Whether there is an index."""
        return os.path.isfile(place / CATALOG)  # noqa: PTH113 (Path.is_file raises where it may not look)

    @classmethod
    def open(cls, place: Path) -> "Index":
        """The index that is at `place`; CosmosSearchError if there is none, or it can't be opened."""
        try:
            (place / CATALOG).stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NoIndexError(place) from error
        except OSError as error:
            raise CosmosSearchError(f"The index at {place} can't be opened ({error.strerror}).") from error
        try:
            return cls(place, open_database(place / CATALOG, create=False))
        except StorageError:  # on a full disk SQLite can't make the files that it writes with; reading needs none
            return cls(place, open_database(place / CATALOG, create=False, read_only=True))

    @classmethod
    def create(cls, place: Path) -> "Index":
        """The index at `place`, made if it isn't there; CosmosSearchError if something else is, or it can't be made.

        A new directory is open to its owner alone: the catalog tells names, places and dates of pictures.
        """
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            unexpected = [p.name for p in place.iterdir() if not p.name.startswith((CATALOG, LOCK))]
            if unexpected and not cls.is_at(place):
                raise CosmosSearchError(
                    f"{place} holds other files ({unexpected[0]}) and no index; choose another place with --index DIR."
                )
            if not is_writable(place / CATALOG):
                raise CosmosSearchError(_read_only(place))
            with _lock(place):
                return cls(place, open_database(place / CATALOG))
        except OSError as error:
            raise CosmosSearchError(
                f"No index can be made at {place} ({error.strerror}); choose another place with --index DIR."
            ) from error

    def close(self) -> None:
        """Let go of the database's files."""
        self._engine.dispose()

    def is_current(self) -> bool:
        """False if the index at this place was deleted, replaced, or changed where this one can't follow."""
        return self.identity is not None and self.identity == self._current_identity()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only process that writes; IndexBusyError if another one does. Freed when the process dies."""
        with _lock(self.place):
            yield

    @contextmanager
    def reading(self) -> Iterator[Catalog]:
        """The catalog as it is at this moment, whatever is written meanwhile.

        Raises CosmosSearchError if the disk or the database fails.
        """
        with explain_storage_errors(self.place, self._engine), self._engine.begin() as connection:
            yield Catalog(connection)

    @contextmanager
    def reading_pictures(self) -> Iterator[Catalog]:
        """As `reading`. Raises CosmosSearchError if there is no picture yet."""
        with self.reading() as catalog:
            if not catalog.n_pictures():
                raise no_pictures(self.place)
            yield catalog

    @contextmanager
    def writing(self) -> Iterator[Catalog]:
        """One transaction: all that is changed within is kept, or nothing.

        Raises CosmosSearchError if the disk or the database fails, or the index is not the one at its place any more.
        """
        with explain_storage_errors(self.place, self._engine), self._writer.begin() as connection:
            yield Catalog(connection)
        if not self.is_current():  # SQLite goes on writing to a file that was deleted
            raise replaced_index(self.place)

    @contextmanager
    def snapshot(self) -> Iterator[IndexSnapshot | None]:
        """The catalog and the vectors that belong to it; None in an index that holds nothing yet.

        Any number of threads may be inside: only bringing the vectors up to date is done by one at a time.
        """
        with ExitStack() as stack:
            with self._guard:  # transactions begin in the order in which the vectors grow
                catalog = stack.enter_context(self.reading())
                encoder = catalog.encoder()
                vectors = None if encoder is None else self._current_vectors(catalog, encoder)
            yield None if encoder is None or vectors is None else IndexSnapshot(catalog, encoder, vectors)

    def save_vectors(self) -> None:
        """Write the FAISS file for the next opening, and drop those that it replaces; then give back unused room.

        Raises CosmosSearchError if it can't be written; the file can be made again from the catalog at any time.
        """
        with self._guard:
            with self.reading() as catalog:
                encoder = catalog.encoder()
                if encoder is None:
                    return
                current = self._current_vectors(catalog, encoder)
            assert self._state is not None
            path = self._file(*self._state)
            if not self._is_saved:
                self._save(current, path, self._state[1])
            for old in self.place.glob("vectors-*"):
                if old != path:
                    old.unlink(missing_ok=True)
        with self.writing() as catalog:
            catalog.drop_old_versions()
        self._vacuum()

    def size_bytes(self) -> dict[str, int]:
        """What the index takes on disk: {"catalog": ..., "vectors": ...}."""
        sizes = {"catalog": 0, "vectors": 0}
        with suppress(FileNotFoundError):
            for path in self.place.iterdir():
                kind = "vectors" if path.name.startswith("vectors-") else "catalog"
                with suppress(FileNotFoundError):  # replaced by a run that goes on
                    sizes[kind] += path.stat().st_size
        return sizes

    def _current_identity(self) -> tuple[int, ...] | None:
        path = self.place / CATALOG
        try:
            status = path.stat()
        except OSError:
            return None
        if is_writable(path):
            return status.st_dev, status.st_ino
        # A database that this process can't write was told that nothing changes: any change ends it (`database._mode`).
        log = path.with_name(path.name + "-wal")
        return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size, log.exists() and log.stat().st_size

    def _current_vectors(self, catalog: Catalog, encoder: EncoderRecord) -> VectorIndex:
        state = (encoder.id, catalog.version())
        if self._vectors is None or state != self._state:
            saved = _load(self._file(*state), encoder)
            self._is_saved = saved is not None and saved[1] == state[1]
            self._vectors = saved[0] if saved is not None and self._is_saved else self._catch_up(catalog, encoder)
            self._state = state
        return self._vectors

    def _catch_up(self, catalog: Catalog, encoder: EncoderRecord) -> VectorIndex:
        wanted = catalog.vector_ids(encoder.id)
        n_rows = catalog.n_rows(encoder)
        vectors = self._nearest(catalog, encoder, is_compact=n_rows > self.exact_rows)
        have = np.unique(vectors.ids)
        vectors.remove(np.setdiff1d(have, wanted))
        for ids, data in catalog.vectors_of(np.setdiff1d(wanted, have).tolist(), encoder):
            vectors.add(ids, data)
        return vectors

    def _nearest(self, catalog: Catalog, encoder: EncoderRecord, *, is_compact: bool) -> VectorIndex:
        """A copy of something to catch up from: what is open, else a file, else nothing.

        It must be of a version that led to the catalog's: after lost commits an id may stand for another picture.
        """
        if self._vectors is not None and self._state is not None:
            encoder_id, version = self._state
            if encoder_id == encoder.id and self._vectors.is_compact == is_compact and catalog.descends_from(version):
                return self._vectors.copy()
        for path in self.place.glob(f"vectors-{encoder.id}-*.faiss"):
            loaded = _load(path, encoder)
            if loaded is not None and loaded[0].is_compact == is_compact and catalog.descends_from(loaded[1]):
                return loaded[0]
        return VectorIndex(encoder.dim, is_compact=is_compact)

    def _save(self, vectors: VectorIndex, path: Path, version: int) -> None:
        with explain_storage_errors(self.place):
            # The log is synced before the file is written: the file never stands for commits that can be lost.
            connection = self._engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            finally:
                connection.close()
        if not self.is_current():
            raise replaced_index(self.place)
        try:
            vectors.save(path, version)
        except OSError as error:
            raise CosmosSearchError(
                f"The FAISS file of the index at {self.place} can't be written ({error.strerror or error}); "
                "all that was indexed is kept, and the file is made when there is room: cosmos-search index"
            ) from error
        self._is_saved = True

    def _vacuum(self) -> None:
        """Make the database file smaller when most of it is unused."""
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            free, pages, page_bytes = (
                int(cursor.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("freelist_count", "page_count", "page_size")
            )
            if free * page_bytes > VACUUM_BYTES and 2 * free > pages:
                cursor.execute("VACUUM")
        except Exception as error:  # no room for the new file, or a reader holds the old one: another time
            log.info("The catalog was not made smaller: %s", error)
        finally:
            connection.close()

    def _file(self, encoder_id: int, version: int) -> Path:
        return self.place / f"vectors-{encoder_id}-{version}.faiss"


def no_pictures(place: Path) -> CosmosSearchError:
    """What to tell who asks an index that is empty."""
    return CosmosSearchError(f"The index at {place} holds no pictures yet: cosmos-search index FOLDER")


def _load(path: Path, encoder: EncoderRecord) -> tuple[VectorIndex, int] | None:
    """What a file holds, and its version; None if it is absent, damaged or of another kind: it will be made again."""
    try:
        return VectorIndex.load(path, encoder.dim)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RuntimeError) as error:
        log.info("%s is not used: %s", path, error)
        return None


def _read_only(place: Path) -> str:
    return f"The index at {place} is read-only and stays as it is; make it writable: chmod -R u+w {quote(str(place))}"


@contextmanager
def _lock(place: Path) -> Iterator[None]:
    lock = FileLock(place / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise IndexBusyError(
            f"Another cosmos-search is writing to the index at {place}; wait until it is done, then try again."
        ) from error
    except PermissionError as error:
        raise CosmosSearchError(_read_only(place)) from error
    except OSError as error:
        raise CosmosSearchError(f"The index at {place} can't be locked ({error.strerror or error}).") from error
    try:
        yield
    finally:
        lock.release()
