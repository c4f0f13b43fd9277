"""Copy pictures with their vectors and files from one catalog to another, with the same ids."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select

from indexer.store.rows import split_ids
from indexer.store.schema import files, pictures, readings, texts, vectors, versions

__all__ = ["PictureCopy", "read_copies", "replace_pictures"]

AT_ONCE = 1000  # pictures that are read, some 12 MB


@dataclass(frozen=True, slots=True)
class PictureCopy:
    """All rows of a picture that has a vector. Values by column."""

    picture: Mapping[str, Any]
    vector: Mapping[str, Any]
    files: list[dict[str, Any]] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)
    readings: list[dict[str, Any]] = field(default_factory=list)


def read_copies(connection: Connection, ids: Sequence[int], encoder_id: int) -> Iterator[list[PictureCopy]]:
    """These pictures, in chunks. Those that are not there or have no vector of this encoder are left out."""
    remaining = iter(ids)
    while chunk := list(islice(remaining, AT_ONCE)):
        rows = connection.execute(
            select(pictures, vectors.c.data)
            .join(vectors)
            .where(pictures.c.id.in_(chunk), vectors.c.encoder_id == encoder_id)
        ).mappings()
        found = {row["id"]: _split(row, encoder_id) for row in rows}
        for row in connection.execute(select(files).where(files.c.picture_id.in_(found))).mappings():
            found[row["picture_id"]].files.append(dict(row))
        for row in connection.execute(
            select(texts).where(texts.c.picture_id.in_(found)).order_by(texts.c.id)
        ).mappings():
            found[row["picture_id"]].texts.append({name: row[name] for name in row if name != "id"})
        for row in connection.execute(select(readings).where(readings.c.picture_id.in_(found))).mappings():
            found[row["picture_id"]].readings.append(dict(row))
        yield list(found.values())


def replace_pictures(
    connection: Connection, ids: Sequence[int], chunks: Iterator[list[PictureCopy]], folder_id: int
) -> None:
    """Make these pictures of a SQLite catalog equal to the copies; delete those without a copy. Adds a version.

    folder_id: of all files in this catalog.
    """
    for some in split_ids(ids):
        for table in (files, texts, readings):
            connection.execute(delete(table).where(table.c.picture_id.in_(some)))
    copied: set[int] = set()
    for copies in chunks:
        if not copies:
            continue
        copied.update(copy.picture["id"] for copy in copies)
        connection.execute(insert(pictures).prefix_with("OR IGNORE"), [dict(copy.picture) for copy in copies])
        connection.execute(insert(vectors).prefix_with("OR IGNORE"), [dict(copy.vector) for copy in copies])
        rows = [row | {"folder_id": folder_id} for copy in copies for row in copy.files]
        if rows:  # a file that had another picture before is replaced
            connection.execute(insert(files).prefix_with("OR REPLACE"), rows)
        if lines := [row for copy in copies for row in copy.texts]:
            connection.execute(insert(texts), lines)
        if marks := [row for copy in copies for row in copy.readings]:
            connection.execute(insert(readings), marks)
    for some in split_ids(set(ids) - copied):
        connection.execute(delete(pictures).where(pictures.c.id.in_(some)))
    connection.execute(insert(versions))


def _split(row: RowMapping, encoder_id: int) -> PictureCopy:
    picture = {str(name): value for name, value in row.items() if name != "data"}
    return PictureCopy(picture, {"picture_id": row["id"], "encoder_id": encoder_id, "data": row["data"]})
