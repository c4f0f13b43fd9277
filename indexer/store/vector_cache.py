"""The FAISS index of the catalog's vectors, kept in memory and in a file, and updated when the catalog changes."""

import logging
from pathlib import Path

import numpy as np

from indexer.errors import VectorFileError
from indexer.store.catalog import Catalog
from indexer.store.records import EncoderRecord
from indexer.store.vectors import VectorIndex

__all__ = ["VectorCache"]

log = logging.getLogger(__name__)


class VectorCache:
    """The vectors of one encoder and one version of the catalog. Not thread-safe.

    The file's name contains the encoder's id and the catalog's version, which show whether it is up to date.
    """

    def __init__(self, place: Path, exact_rows: int) -> None:
        """place: the index's directory. exact_rows: with more vectors, they are stored as compact codes."""
        self.is_saved = False  # True if the file has the current vectors
        self._place = place
        self._exact_rows = exact_rows
        self._vectors: VectorIndex | None = None  # never changed, only replaced: other threads may search it
        self._state: tuple[int, int] | None = None  # encoder id and catalog version of _vectors

    def update(self, catalog: Catalog, encoder: EncoderRecord) -> VectorIndex:
        """The vectors of this encoder in the catalog: from memory, from the file, or by updating an older state."""
        state = (encoder.id, catalog.version())
        if self._vectors is None or state != self._state:
            saved = _load(self._file(*state), encoder)
            self.is_saved = saved is not None and saved[1] == state[1]
            self._vectors = saved[0] if saved is not None and self.is_saved else self._catch_up(catalog, encoder)
            self._state = state
        return self._vectors

    def save(self) -> None:
        """Write the file of the current state. Raises VectorFileError."""
        assert self._vectors is not None
        assert self._state is not None
        try:
            self._vectors.save(self._file(*self._state), self._state[1])
        except OSError as error:
            raise VectorFileError(self._place, error.strerror or str(error)) from error
        self.is_saved = True

    def delete_old_files(self) -> None:
        """Delete the files of all other states, and partial ones."""
        assert self._state is not None
        for old in self._place.glob("vectors-*"):
            if old != self._file(*self._state):
                old.unlink(missing_ok=True)

    def _catch_up(self, catalog: Catalog, encoder: EncoderRecord) -> VectorIndex:
        """An older state, with vectors added and removed until it equals the catalog."""
        vectors = self._load_ancestor(catalog, encoder, is_compact=catalog.n_rows(encoder) > self._exact_rows)
        wanted = catalog.vector_ids(encoder.id)
        present = np.unique(vectors.ids)
        vectors.remove(np.setdiff1d(present, wanted))
        for ids, data in catalog.vectors_of(np.setdiff1d(wanted, present).tolist(), encoder):
            vectors.add(ids, data)
        return vectors

    def _load_ancestor(self, catalog: Catalog, encoder: EncoderRecord, *, is_compact: bool) -> VectorIndex:
        """A copy of an older state: from memory, else from a file, else an empty one.

        It must be of a version that the catalog descends from: after lost commits, an id may be of another picture.
        """
        if self._vectors is not None and self._state is not None:
            encoder_id, version = self._state
            if encoder_id == encoder.id and self._vectors.is_compact == is_compact and catalog.descends_from(version):
                return self._vectors.copy()
        for path in self._place.glob(f"vectors-{encoder.id}-*.faiss"):
            loaded = _load(path, encoder)
            if loaded is not None and loaded[0].is_compact == is_compact and catalog.descends_from(loaded[1]):
                return loaded[0]
        return VectorIndex(encoder.dim, is_compact=is_compact)

    def _file(self, encoder_id: int, version: int) -> Path:
        return self._place / f"vectors-{encoder_id}-{version}.faiss"


def _load(path: Path, encoder: EncoderRecord) -> tuple[VectorIndex, int] | None:
    """The vectors in a file and their version; None if it is missing, damaged or of another kind."""
    try:
        return VectorIndex.load(path, encoder.dim)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RuntimeError) as error:
        log.info("%s is not used: %s", path, error)
        return None
