"""Write the files of an index's vectors: append new rows, update or make the candidate index, replace the manifest."""

import os
import secrets
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.store.candidate_info import CandidateInfo
from indexer.store.catalog import Catalog
from indexer.store.distinct_rows import find_distinct_rows
from indexer.store.picture_rows import PictureRows, append_rows, map_rows, widen
from indexer.store.records import EncoderRecord
from indexer.store.vector_files import SavedVectors, manifest_path, write_manifest

if TYPE_CHECKING:
    from indexer.store.candidates import CandidateIndex

__all__ = ["delete_other_files", "write_vectors"]

RETRAIN_GROWTH = 4  # the lists are made anew when the index has so many times the rows that they were made for
MEASURE_GROWTH = 1.5  # the same for the measurement of the recall
# Pictures whose recall is measured among themselves at each writing, or all new ones if they are more. The lists do not
# fit pictures that differ from the older ones: of the ten best, 0.36 to 0.98 were found without it (made rows).
MEASURED_NEWEST = 200
NEWEST_TOPS = (10,)  # are to be found; among few pictures, the hundred best are not near to a query
CHUNK = 4000  # pictures
SHARE_SAMPLE = 500  # pictures, to learn how many of their rows are distinct
LISTS_A_ROOT = 2  # lists for the square root of the number of codes: comparing with all centres then costs little
ROW_BYTES = 2  # of a number in half precision


def write_vectors(
    place: Path, catalog: Catalog, encoder: EncoderRecord, saved: SavedVectors | None, exact_rows: int
) -> None:
    """Write the files of the catalog's vectors. To be called with the index's lock. Raises OSError.

    saved: an earlier state, whose files are extended. exact_rows: with more rows, a candidate index is written.
    """
    delete_other_files(place, saved)  # those of runs that were killed
    size = 0 if saved is None else (place / saved.rows_name).stat().st_size
    try:
        _write_files(place, catalog, encoder, saved, exact_rows)
    except Exception:
        with suppress(OSError):  # a full disk must not stay full
            delete_other_files(place, saved)
            if saved is not None:
                os.truncate(place / saved.rows_name, size)
        raise


def delete_other_files(place: Path, saved: SavedVectors | None) -> None:
    """Delete the files of vectors in this directory, partial ones included, that this state does not use."""
    used = set() if saved is None else saved.names
    for pattern in ("vectors-*", ".vectors-*.partial"):
        for path in place.glob(pattern):
            if path.name not in used:
                path.unlink(missing_ok=True)


def _write_files(
    place: Path, catalog: Catalog, encoder: EncoderRecord, saved: SavedVectors | None, exact_rows: int
) -> None:
    wanted = catalog.vector_ids(encoder.id)
    old = None if saved is None else saved.rows.keep(wanted)
    if saved is not None and old is not None:
        used_bytes = int(old.counts.sum()) * encoder.dim * ROW_BYTES
        if 2 * used_bytes < (place / saved.rows_name).stat().st_size:
            saved, old = None, None
    name = f"vectors-{secrets.token_hex(8)}.rows" if saved is None else saved.rows_name
    rows, n_rows = _write_rows(place / name, catalog, encoder, wanted, old)
    info = _write_candidates(place, rows, saved) if rows.counts.sum() > exact_rows else None
    write_manifest(manifest_path(place, encoder.id, catalog.version()), rows, name, n_rows, info)


def _write_rows(
    path: Path,
    catalog: Catalog,
    encoder: EncoderRecord,
    wanted: NDArray[np.int64],
    old: PictureRows | None,
) -> tuple[PictureRows, int]:
    """Append the rows of pictures that are not in `old` to the file. Returns all rows, and their number in the file."""
    nothing = np.zeros(0, dtype=np.int64)
    known = (nothing, nothing, nothing) if old is None else (old.ids, old.starts, old.counts)
    new = np.setdiff1d(wanted, known[0], assume_unique=True)
    flags = os.O_RDWR | os.O_NOFOLLOW | (os.O_CREAT | os.O_EXCL if old is None else 0)
    with os.fdopen(os.open(path, flags, 0o666), "r+b") as file:
        # What an earlier run wrote is never overwritten, since a reader may use it; it may end with a part of a row.
        n_old_rows = file.seek(0, os.SEEK_END) // (encoder.dim * ROW_BYTES)
        file.seek(file.truncate(n_old_rows * encoder.dim * ROW_BYTES))
        ids, counts = append_rows(file, catalog.vectors_of(new.tolist(), encoder))
        os.fsync(file.fileno())
        n_rows = n_old_rows + int(counts.sum())
        starts = n_old_rows + np.cumsum(counts) - counts
        order = np.argsort(np.concatenate([known[0], ids]))
        joined = zip(known, (ids, starts, counts), strict=True)
        ids, starts, counts = (np.concatenate(parts)[order] for parts in joined)
        return PictureRows(ids, starts, counts, map_rows(file, n_rows, encoder.dim)), n_rows


def _write_candidates(place: Path, rows: PictureRows, saved: SavedVectors | None) -> CandidateInfo:
    """Update the candidate index of an earlier state, or make a new one, and write its file."""
    from indexer.store.candidate_recall import measure_bounds
    from indexer.store.candidates import CandidateIndex

    n_rows = int(rows.counts.sum())
    info = None if saved is None else saved.info
    if saved is None or info is None or n_rows > RETRAIN_GROWTH * info.n_trained:
        index, missing, info = _train(rows), rows.ids, None
    else:
        index = CandidateIndex.load(place / info.name, info.check, is_mapped=False)
        index.remove(np.setdiff1d(saved.rows.ids, rows.ids, assume_unique=True))
        missing = np.setdiff1d(rows.ids, saved.rows.ids, assume_unique=True)
    _add_pictures(index, rows.keep(missing))
    name = f"vectors-{secrets.token_hex(8)}.faiss"
    check = index.save(place / name)
    if info is not None and n_rows <= MEASURE_GROWTH * info.n_measured:
        newest = rows.keep(rows.ids[-max(len(missing), MEASURED_NEWEST) :])
        added = index.copy_lists()
        _add_pictures(added, newest)
        bounds = info.bounds.raise_to(measure_bounds(added, newest, NEWEST_TOPS))
        return replace(info, name=name, check=check, bounds=bounds)
    n_trained = n_rows if info is None else info.n_trained
    return CandidateInfo(name, check, measure_bounds(index, rows), n_trained, n_rows)


def _add_pictures(index: "CandidateIndex", rows: PictureRows) -> None:
    for start in range(0, len(rows.ids), CHUNK):
        index.add(*rows.read(np.arange(start, min(start + CHUNK, len(rows.ids)))))


def _train(rows: PictureRows) -> "CandidateIndex":
    """An empty candidate index, whose lists are the clusters of a sample of these rows."""
    from indexer.store.candidates import POINTS_PER_LIST, CandidateIndex

    order = np.random.default_rng(0).permutation(len(rows.ids))
    sample = _read_distinct(rows, order[:SHARE_SAMPLE])
    a_picture = len(sample) / min(len(order), SHARE_SAMPLE)
    n_lists = max(1, int(LISTS_A_ROOT * (a_picture * len(order)) ** 0.5))
    n_pictures = int(n_lists * POINTS_PER_LIST / a_picture) + 1
    return CandidateIndex.train(_read_distinct(rows, order[:n_pictures]), n_lists)


def _read_distinct(rows: PictureRows, positions: NDArray[np.int64]) -> NDArray[np.float32]:
    """The distinct rows of these pictures, (n, dim)."""
    ids, data = rows.read(np.sort(positions))
    exact = widen(data)
    return exact[find_distinct_rows(ids, exact)]
