"""An open index: the catalog, and the FAISS index of its vectors."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TypeVar

from sqlalchemy import Engine

from indexer.places import Place
from indexer.store.backend import create_catalog, has_catalog, make_backend, open_catalog
from indexer.store.catalog import Catalog
from indexer.store.catalog_writer import CatalogWriter
from indexer.store.errors import EmptyIndexError, IndexBusyError, ReplacedIndexError, VectorFileError
from indexer.store.estimator import Estimator
from indexer.store.records import EncoderRecord
from indexer.store.retry import PAUSES_S, retry
from indexer.store.snapshot import IndexSnapshot
from indexer.store.vector_cache import VectorCache
from indexer.store.vectors import EXACT_ROWS

__all__ = ["Index"]

log = logging.getLogger(__name__)

T = TypeVar("T")


class Index:
    """An index that is open. The vector file is derived from the database and may be deleted at any time.

    Thread-safe. One process at a time may write (see `lock`), any number may read.
    """

    exact_rows = EXACT_ROWS  # an index with more vectors has a candidate index
    max_unsaved = 5000  # pictures that a run adds, or half of those before, until it writes the files of the vectors
    retry_after_s: Sequence[float] = PAUSES_S  # the pauses between the attempts of `retry`

    def __init__(self, place: Place, engine: Engine) -> None:
        self.place = place
        self._backend = make_backend(place, engine)
        self.identity = self._backend.read_identity()  # differs from that of a later index at the same place
        self._engine = self._backend.reader
        self._writer = self._backend.writer
        self._vectors = VectorCache(self._backend.cache_directory, self.exact_rows)
        self._guard = Lock()  # of _vectors
        self.estimator: Estimator | None = None  # None: estimates are made on the CPU

    @staticmethod
    def is_at(place: Place) -> bool:
        """True if there is an index at `place`. Raises ServerError if its server can't be reached."""
        return has_catalog(place)

    @classmethod
    def open(cls, place: Place) -> "Index":
        """Open the index at `place`. Raises NoIndexError if there is none, StorageError if it can't be opened."""
        return cls(place, open_catalog(place))

    @classmethod
    def create(cls, place: Place) -> "Index":
        """Open the index at `place`, or create it. Raises CreateIndexError if something else is there."""
        return cls(place, create_catalog(place))

    def close(self) -> None:
        """Close the database's files and the estimator."""
        if self.estimator is not None:
            self.estimator.close()
            self.estimator = None
        self._engine.dispose()

    def is_current(self) -> bool:
        """False if the index at this place was deleted or replaced, or has changed in a way this object can't see."""
        return self.identity is not None and self.identity == self._backend.read_identity()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Exclude other writing processes; raises IndexBusyError if there is one. Released if the process dies."""
        with self._backend.lock():
            yield

    @contextmanager
    def reading(self) -> Iterator[Catalog]:
        """The catalog at this moment; later changes by others are not seen.

        Raises CosmosSearchError if the disk or the database fails.
        """
        with self._backend.explain_errors(), self._engine.begin() as connection:
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
        self._backend.keep_lock()
        with self._backend.explain_errors(), self._writer.begin() as connection:
            catalog = CatalogWriter(connection)
            yield catalog
            catalog.add_version()
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
                if encoder is not None:
                    self._fill_cache(catalog, encoder)
                vectors = None if encoder is None else self._vectors.update(catalog, encoder)
            if encoder is None or vectors is None:
                yield None
            else:
                yield IndexSnapshot(catalog, encoder, vectors, self.estimator)

    def save_vectors(self) -> None:
        """Write the files of the vectors, delete older ones, and compact the database if most of it is unused.

        Raises CosmosSearchError if they can't be written; they can be created from the catalog at any time.
        """
        with self._guard, self._backend.lock_files(), self.reading() as catalog:
            encoder = catalog.encoder()
            if encoder is None:
                return
            if not self._vectors.is_saved(catalog, encoder):
                if not self.is_current():
                    raise ReplacedIndexError(self.place)
                self._backend.flush()  # first, so that the files never contain commits that can be lost
                self._vectors.save(catalog, encoder)
            self._vectors.delete_old_files(catalog, encoder)
        with self.writing() as writer:
            writer.drop_old_versions()
        self._backend.compact()

    def retry(self, attempt: Callable[[], T]) -> T:
        """The result of `attempt`, which consists of whole transactions. It is repeated while a server restarts."""
        return retry(attempt, self.retry_after_s)

    @property
    def directory(self) -> Path | None:
        """The directory of an index that is in one; None: its catalog is on a server."""
        return self.place if isinstance(self.place, Path) else None

    @property
    def cache_directory(self) -> Path:
        """The directory of files that can be created again from the catalog: its own, or one in this user's cache."""
        return self._backend.cache_directory

    def size_bytes(self) -> dict[str, int]:
        """The sizes on disk: {"catalog": ..., "vectors": ...}."""
        vectors = 0
        for path in self._backend.cache_directory.glob("vectors-*"):
            with suppress(FileNotFoundError):  # deleted by a run in another process
                vectors += path.stat().st_size
        return {"catalog": self._backend.size_bytes(), "vectors": vectors}

    def _fill_cache(self, catalog: Catalog, encoder: EncoderRecord) -> None:
        """Store the vectors of a server's catalog in the user's cache if 1 % of the pictures are not there."""
        if not self._backend.is_shared or self._vectors.is_saved(catalog, encoder):
            return
        n_pictures = catalog.n_pictures()
        if 100 * (n_pictures - self._vectors.n_saved(catalog, encoder)) > n_pictures:
            try:
                with self._backend.lock_files(wait=False):
                    self._vectors.save(catalog, encoder)
                    self._vectors.delete_old_files(catalog, encoder)
            except (VectorFileError, IndexBusyError) as error:
                log.info("%s", error)
