"""The vectors of an index: opened from its files, and updated in memory when the catalog changes."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from indexer.store.catalog import Catalog
from indexer.store.errors import VectorFileError
from indexer.store.fresh_vectors import FreshVectors
from indexer.store.records import EncoderRecord
from indexer.store.vector_files import SavedVectors, list_manifests, load_saved
from indexer.store.vector_writer import delete_other_files, write_vectors
from indexer.store.vectors import Vectors

if TYPE_CHECKING:
    from indexer.store.candidates import CandidateIndex

__all__ = ["VectorCache"]


class VectorCache:
    """The vectors of one encoder and one version of the catalog. Not thread-safe."""

    def __init__(self, place: Path, exact_rows: int) -> None:
        """place: the directory of the files. exact_rows: an index with more rows has a candidate index."""
        self._place = place
        self._exact_rows = exact_rows
        self._state: tuple[int, int] | None = None  # encoder id and catalog version of _vectors
        self._vectors: Vectors | None = None
        self._saved: SavedVectors | None = None  # the files that _vectors uses
        self._fresh: FreshVectors | None = None  # of pictures that are not in them

    def update(self, catalog: Catalog, encoder: EncoderRecord) -> Vectors:
        """The vectors of this encoder in the catalog: from memory, from the files, or by updating an older state.

        Raises VectorFileError if there is no space for temporary files.
        """
        state = (encoder.id, catalog.version())
        if self._vectors is None or state != self._state:
            saved, known, fresh = self._find_saved(catalog, encoder), self._saved, self._fresh
            if saved is None and known is not None and known.encoder_id == encoder.id:
                saved = known if catalog.descends_from(known.version) else None  # deleted since; it is still open here
            if fresh is None or saved is not known or self._state is None or self._state[0] != encoder.id:
                fresh = FreshVectors(encoder.dim)
            self._fresh = None  # after an error it may be incomplete
            try:
                self._vectors = self._catch_up(catalog, encoder, saved, fresh)
            except OSError as error:
                raise VectorFileError(self._place, f"temporary files: {error.strerror or error}") from error
            self._saved, self._fresh, self._state = saved, fresh, state
        return self._vectors

    def is_saved(self, catalog: Catalog, encoder: EncoderRecord) -> bool:
        """True if the files are equal to the catalog."""
        saved = self._find_saved(catalog, encoder)
        return saved is not None and saved.version == catalog.version()

    def n_saved(self, catalog: Catalog, encoder: EncoderRecord) -> int:
        """The number of pictures in the files of this state, or of an earlier one."""
        saved = self._find_saved(catalog, encoder)
        return 0 if saved is None else len(saved.rows.ids)

    def save(self, catalog: Catalog, encoder: EncoderRecord) -> None:
        """Make the files equal to the catalog. Raises VectorFileError."""
        try:
            write_vectors(self._place, catalog, encoder, self._find_saved(catalog, encoder), self._exact_rows)
        except OSError as error:
            raise VectorFileError(self._place, error.strerror or str(error)) from error
        self._vectors = None  # those in the files need less memory

    def delete_old_files(self, catalog: Catalog, encoder: EncoderRecord) -> None:
        """Delete the files of all other states, and partial ones. Only if `is_saved`."""
        saved = self._find_saved(catalog, encoder)
        assert saved is not None, self._place
        delete_other_files(self._place, saved)

    def _find_saved(self, catalog: Catalog, encoder: EncoderRecord) -> SavedVectors | None:
        """The files of this state, or of an earlier one.

        It must be of a version that the catalog descends from: after lost commits, an id may be of another picture.
        """
        version = catalog.version()
        known = self._saved if self._saved is not None and self._saved.exists() else None
        if known is not None and (known.encoder_id, known.version) == (encoder.id, version):
            return known
        for path in list_manifests(self._place, encoder.id, version):
            saved = known if known is not None and path == known.path else load_saved(path, encoder.dim)
            if saved is not None and catalog.descends_from(saved.version):
                return saved
        return None

    def _catch_up(
        self, catalog: Catalog, encoder: EncoderRecord, saved: SavedVectors | None, fresh: FreshVectors
    ) -> Vectors:
        """The state of the files, without the pictures that were removed since, and with those that were added."""
        parts = [] if saved is None else [saved.rows]
        ids = parts[0].ids if parts else np.zeros(0, dtype=np.int64)
        has_removed = False
        if saved is None or saved.version != catalog.version():
            wanted = catalog.vector_ids(encoder.id)
            new = np.setdiff1d(wanted, np.concatenate([ids, fresh.rows.ids]), assume_unique=True)
            if len(new):
                fresh.add_rows(catalog.vectors_of(new.tolist(), encoder))
            stored = [*parts, fresh.rows]
            parts, ids = [part.keep(wanted) for part in stored], wanted
            has_removed = sum(len(part.ids) for part in stored) > len(wanted)
        is_picture = np.zeros(int(ids[-1]) + 1 if len(ids) else 0, dtype=np.bool_)
        is_picture[ids] = True
        candidates: list[CandidateIndex] = []
        if sum(int(part.counts.sum()) for part in parts) > self._exact_rows:
            if saved is not None and saved.candidates is not None:
                candidates.append(saved.candidates)
            if any(len(part.ids) for part in parts[len(candidates) :]):
                candidates.append(fresh.add_codes(parts[len(candidates) :]))
        bounds = saved.info.bounds if saved is not None and saved.info is not None else None
        return Vectors(parts, candidates, bounds, is_picture, has_removed, self._exact_rows)
