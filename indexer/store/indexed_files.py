"""Write the files that a run has read, and their pictures: in the order of their keys, see `CatalogWriter`."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection, delete, select

from indexer.store.dialect import record_names, upsert
from indexer.store.records import IndexedCopy, IndexedFailure, IndexedFile, IndexedPicture
from indexer.store.rows import split_ids
from indexer.store.schema import FILE_KEY, files, pictures, vectors

__all__ = ["write_files", "write_pictures"]


def write_pictures(connection: Connection, new: Mapping[bytes, IndexedPicture], encoder_id: int) -> None:
    """Write pictures that may be new, with their vectors. new: by fingerprint; those that exist are not changed."""
    rows = [_make_picture_row(item) for _, item in sorted(new.items())]
    connection.execute(upsert(connection, pictures).on_conflict_do_nothing(), rows)
    query = select(pictures.c.fingerprint, pictures.c.id).where(pictures.c.fingerprint.in_(new))
    values = [
        {"picture_id": id_, "encoder_id": encoder_id, "data": new[fingerprint].vectors.tobytes()}
        for fingerprint, id_ in connection.execute(query.order_by(pictures.c.fingerprint))
    ]
    connection.execute(upsert(connection, vectors).on_conflict_do_nothing(), values)
    record_names(connection, [item.facts.metadata.camera for item in new.values()])


def write_files(connection: Connection, indexed: Sequence[IndexedFile]) -> tuple[set[int], set[int]]:
    """Write a batch of files, whose pictures are there. Returns the ids of the pictures they have now and had before.

    All frames of a video are in one batch, that at 0 among them: frames at other positions are deleted.
    """
    contents = {item.fingerprint for item in indexed if isinstance(item, IndexedPicture | IndexedCopy)}
    query = select(pictures.c.fingerprint, pictures.c.id).where(pictures.c.fingerprint.in_(contents))
    ids = {fingerprint: id_ for fingerprint, id_ in connection.execute(query)}  # noqa: C416
    statement = upsert(connection, files)
    changed = {c.name: c for c in statement.excluded if c.name not in ("id", "directory", "name")}
    statement = statement.on_conflict_do_update(index_elements=FILE_KEY, set_=changed)
    written = {(item.file.path, _get_position(item) or 0) for item in indexed}
    without_first = {(path, 0) for path, _ in written} - written
    assert not without_first, without_first
    before, stale = _find_replaced(connection, written)
    for chunk in split_ids(stale):
        connection.execute(delete(files).where(files.c.id.in_(chunk)))
    ordered = sorted(indexed, key=lambda item: (os.fsencode(item.file.path), _get_position(item) or 0))
    record_names(connection, {os.fsencode(item.file.path.parent) for item in indexed})
    connection.execute(statement, [_make_file_row(item, ids) for item in ordered])
    return set(ids.values()), before


def _find_replaced(connection: Connection, written: set[tuple[Path, int]]) -> tuple[set[int], list[int]]:
    """The pictures that these files have, and the ids of their rows at other positions. The first row stays."""
    names: dict[Path, set[str]] = {}
    for path, _ in written:
        names.setdefault(path.parent, set()).add(path.name)
    before: set[int] = set()
    stale: list[int] = []
    query = select(files.c.id, files.c.name, files.c.position_ms, files.c.picture_id)
    for directory, own in names.items():
        for row in connection.execute(query.where(files.c.directory == directory, files.c.name.in_(own))):
            if row.picture_id is not None:
                before.add(row.picture_id)
            if row.position_ms and (directory / row.name, row.position_ms) not in written:
                stale.append(row.id)
    return before, stale


def _get_position(item: IndexedFile) -> int | None:
    return None if isinstance(item, IndexedFailure) else item.position_ms


def _make_picture_row(item: IndexedPicture) -> dict[str, object]:
    m = item.facts.metadata
    return {
        "fingerprint": item.fingerprint,
        "width": item.facts.width,
        "height": item.facts.height,
        "taken_at": m.taken_at,
        "latitude": m.latitude,
        "longitude": m.longitude,
        "camera": m.camera,
        "caption": m.caption,
        "keywords": "\n".join(m.keywords) or None,
    }


def _make_file_row(item: IndexedFile, picture_ids: dict[bytes, int]) -> dict[str, object]:
    row: dict[str, object] = {
        "folder_id": item.folder_id,
        "directory": item.file.path.parent,
        "name": item.file.path.name,
        "size_bytes": item.file.size_bytes,
        "mtime_ns": item.file.mtime_ns,
        "ctime_ns": item.file.ctime_ns,
        "device": item.file.device,
        "inodes": item.file.inodes,
        "position_ms": _get_position(item),
    }
    if isinstance(item, IndexedFailure):
        return row | {"picture_id": None, "failure": item.reason, "max_pixels": item.max_pixels}
    return row | {"picture_id": picture_ids[item.fingerprint], "failure": None, "max_pixels": None}
