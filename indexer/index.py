"""One opened index: a directory with its catalog, and the vectors in FAISS that are kept in step with it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from sqlalchemy import Engine

from indexer.catalog import Catalog
from indexer.errors import CosmosSearchError, IndexBusyError
from indexer.records import EncoderRecord
from indexer.schema import open_database
from indexer.vectors import EXACT_ROWS, VectorIndex

__all__ = ["Index", "Snapshot", "no_pictures"]

CATALOG = "catalog.db"
LOCK = "lock"
ROWS_A_CANDIDATE = 10  # of one picture several regions may be near a query


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An index at one moment: what it finds and what the catalog says of it agree."""

    catalog: Catalog
    encoder: EncoderRecord
    vectors: VectorIndex

    def candidates(
        self,
        queries: NDArray[np.float32],
        weights: NDArray[np.float32],
        n_pictures: int,
        allowed: NDArray[np.int64] | None = None,
    ) -> NDArray[np.int64]:
        """The pictures whose nearest rows promise most for all the queries (q, dim) together, by id: (n,).

        allowed: only these pictures count. They are found whatever their share of the index is: few of them are
        all candidates, and for more the search widens until it has found enough.
        """
        if allowed is not None and len(allowed) <= n_pictures:
            return allowed
        n_rows = ROWS_A_CANDIDATE * n_pictures
        while True:
            ids, promise = _promises(*self.vectors.search(queries, n_rows), weights)
            if allowed is not None:
                passes = np.isin(ids, allowed)
                ids, promise = ids[passes], promise[passes]
            if allowed is None or n_rows >= len(self.vectors) or len(ids) >= n_pictures:
                return np.sort(ids[np.argsort(-promise, kind="stable")[:n_pictures]])
            n_rows *= 8


class Index:
    """The database is the only truth; the FAISS file beside it is derived and may be deleted at any time.

    The file's name holds the encoder's id and the catalog's generation, so a glance tells whether it is up to date.
    Safe to use from several threads; one process at a time may write (`lock`), any number may read.
    """

    def __init__(self, place: Path, engine: Engine) -> None:
        self.place = place
        self._engine = engine
        self._writer = engine.execution_options(write=True)
        self._vectors: VectorIndex | None = None
        self._state: tuple[int, int] | None = None  # encoder id and generation of _vectors
        self._guard = Lock()

    @staticmethod
    def is_at(place: Path) -> bool:
        """Whether there is an index."""
        return (place / CATALOG).is_file()

    @staticmethod
    def identity(place: Path) -> tuple[int, int] | None:
        """What tells an index from a later one at the same place; None where there is none."""
        try:
            status = (place / CATALOG).stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    @classmethod
    def open(cls, place: Path) -> "Index":
        """The index that is at `place`; CosmosSearchError if there is none."""
        if not cls.is_at(place):
            raise CosmosSearchError(f"There is no index at {place} yet. Make one: cosmos-search index FOLDER")
        return cls(place, open_database(place / CATALOG))

    @classmethod
    def create(cls, place: Path) -> "Index":
        """The index at `place`, made if it isn't there; CosmosSearchError if something else is."""
        try:
            place.mkdir(parents=True, exist_ok=True)
            strangers = [p.name for p in place.iterdir() if not p.name.startswith((CATALOG, LOCK))]
            if strangers and not cls.is_at(place):
                raise CosmosSearchError(
                    f"{place} holds other files ({strangers[0]}) and no index; choose another place with --index DIR."
                )
            with _lock(place):
                return cls(place, open_database(place / CATALOG))
        except OSError as error:
            raise CosmosSearchError(
                f"No index can be made at {place} ({error.strerror}); choose another place with --index DIR."
            ) from error

    def close(self) -> None:
        """Let go of the database's files."""
        self._engine.dispose()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only process that writes; IndexBusyError if another one does. Freed when the process dies."""
        with _lock(self.place):
            yield

    @contextmanager
    def reading(self) -> Iterator[Catalog]:
        """The catalog as it is at this moment, whatever is written meanwhile."""
        with self._engine.begin() as connection:
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
        """One transaction: all that is changed within is kept, or nothing."""
        with self._writer.begin() as connection:
            yield Catalog(connection)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot | None]:
        """The catalog and the vectors that belong to it; None in an index that holds nothing yet."""
        with self._guard, self.reading() as catalog:
            encoder = catalog.encoder()
            yield None if encoder is None else Snapshot(catalog, encoder, self._current_vectors(catalog, encoder))

    def save_vectors(self) -> None:
        """Write the FAISS file for the next opening, and drop those that it replaces."""
        with self._guard, self.reading() as catalog:
            encoder = catalog.encoder()
            if encoder is None:
                return
            current = self._current_vectors(catalog, encoder)
            assert self._state is not None
            path = self._file(*self._state)
            if not path.exists():
                current.save(path)
            for old in self.place.glob("vectors-*"):
                if old != path:
                    old.unlink()

    def size_bytes(self) -> dict[str, int]:
        """What the index takes on disk: {"catalog": ..., "vectors": ...}."""
        sizes = {"catalog": 0, "vectors": 0}
        for path in self.place.iterdir():
            kind = "vectors" if path.name.startswith("vectors-") else "catalog"
            with suppress(FileNotFoundError):  # replaced by a run that goes on
                sizes[kind] += path.stat().st_size
        return sizes

    def _current_vectors(self, catalog: Catalog, encoder: EncoderRecord) -> VectorIndex:
        state = (encoder.id, catalog.generation())
        if self._vectors is None or state != self._state:
            saved = _load(self._file(*state), mapped=True)
            self._vectors = saved or self._caught_up(catalog, encoder)
            self._state = state
        return self._vectors

    def _caught_up(self, catalog: Catalog, encoder: EncoderRecord) -> VectorIndex:
        wanted = catalog.vector_ids(encoder.id)
        n_rows = catalog.n_rows(encoder)
        vectors = self._nearest(encoder, is_compact=n_rows > EXACT_ROWS)
        have = np.unique(vectors.ids)
        vectors.remove(np.setdiff1d(have, wanted))
        for ids, data in catalog.vectors_of(np.setdiff1d(wanted, have).tolist(), encoder):
            vectors.add(ids, data)
        return vectors

    def _nearest(self, encoder: EncoderRecord, *, is_compact: bool) -> VectorIndex:
        """Something to catch up from: what is open, else a file, else nothing."""
        loaded = (_load(path, mapped=False) for path in self.place.glob(f"vectors-{encoder.id}-*.faiss"))
        opened = self._vectors if self._state and self._state[0] == encoder.id else None
        for vectors in (opened, *loaded):
            if vectors is not None and not vectors.is_mapped and vectors.is_compact == is_compact:
                return vectors
        return VectorIndex(encoder.dim, is_compact=is_compact)

    def _file(self, encoder_id: int, generation: int) -> Path:
        return self.place / f"vectors-{encoder_id}-{generation}.faiss"


def no_pictures(place: Path) -> CosmosSearchError:
    """What to tell who asks an index that is empty."""
    return CosmosSearchError(f"The index at {place} holds no pictures yet: cosmos-search index FOLDER")


def _promises(
    scores: NDArray[np.float32], ids: NDArray[np.int64], weights: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Each picture found, and the weighted sum of its best rows; a query that didn't find it counts its last score."""
    pictures, places = np.unique(ids, return_inverse=True)
    total = np.zeros(len(pictures), dtype=np.float32)
    for row, where, weight in zip(scores, places.reshape(ids.shape), weights, strict=True):
        best = np.full(len(pictures), row.min() if len(row) else 0.0, dtype=np.float32)
        np.maximum.at(best, where, row)
        total += weight * best
    return pictures, total


def _load(path: Path, *, mapped: bool) -> VectorIndex | None:
    try:
        return VectorIndex.load(path, mapped=mapped) if path.exists() else None
    except RuntimeError:  # damaged, or replaced meanwhile: it will be made again
        return None


@contextmanager
def _lock(place: Path) -> Iterator[None]:
    try:
        with FileLock(place / LOCK, timeout=0):
            yield
    except Timeout as error:
        raise IndexBusyError(
            f"Another cosmos-search is writing to the index at {place}; wait until it is done, then try again."
        ) from error
