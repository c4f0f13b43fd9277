"""Albums: named sets of pictures, or saved searches. They are rows of the catalog; files of pictures are not changed.

A picture is in an album by the fingerprint of its content, so it stays there if it is moved, or removed from the index
and indexed again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select

from indexer.errors import UsageError
from indexer.store.dialect import upsert
from indexer.store.rows import split_ids
from indexer.store.schema import album_pictures, albums, pictures

__all__ = ["FAVOURITES", "MAX_NAME", "Album", "add_album", "add_pictures", "delete_album", "find_albums", "list_albums",
           "remove_pictures"]  # fmt: skip

FAVOURITES = "Favourites"  # the name of the album to which the page's heart adds
MAX_NAME = 100  # characters


@dataclass(frozen=True, slots=True)
class Album:
    """A named set of pictures, or a saved search."""

    id: int
    name: str
    search: str | None  # the address of a saved search; None: the album has pictures
    n_pictures: int  # that are indexed
    cover: int | None  # the id of one of them, the newest; None: there is none


def list_albums(connection: Connection) -> list[Album]:
    """All albums by name, the favourites first."""
    members = album_pictures.join(pictures, pictures.c.fingerprint == album_pictures.c.fingerprint)
    counts = select(album_pictures.c.album_id, func.count()).select_from(members).group_by(album_pictures.c.album_id)
    n_pictures = {album_id: n for album_id, n in connection.execute(counts)}  # noqa: C416 (rows are no tuples of two)
    newest = select(pictures.c.id).select_from(members).order_by(pictures.c.taken_at.desc().nulls_last()).limit(1)
    found = [
        Album(
            row.id,
            row.name,
            row.search,
            n_pictures.get(row.id, 0),
            connection.execute(newest.where(album_pictures.c.album_id == row.id)).scalar(),
        )
        for row in connection.execute(select(albums).order_by(albums.c.name))
    ]
    return sorted(found, key=lambda album: (album.name != FAVOURITES, album.name.casefold()))


def add_album(connection: Connection, name: str, search: str | None = None) -> int:
    """The id of the album with this name, which is created if there is none; `search` replaces that of a saved search.

    Raises UsageError for an empty or a long name, or if the album exists and is of the other kind.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= MAX_NAME:
        raise UsageError(f"The name of an album has 1 to {MAX_NAME} characters.")
    row = connection.execute(select(albums).where(albums.c.name == name)).one_or_none()
    if row is None:
        values = {"name": name, "search": search}
        return int(connection.execute(insert(albums).values(values).returning(albums.c.id)).scalar_one())
    if (row.search is None) != (search is None):
        raise UsageError(f"There is {'an album' if row.search is None else 'a saved search'} named {name!r} already.")
    connection.execute(albums.update().where(albums.c.id == row.id).values(search=search))
    return int(row.id)


def delete_album(connection: Connection, album_id: int) -> None:
    """Delete an album, if it exists; its pictures are kept."""
    connection.execute(delete(album_pictures).where(album_pictures.c.album_id == album_id))
    connection.execute(delete(albums).where(albums.c.id == album_id))


def add_pictures(connection: Connection, album_id: int, ids: Sequence[int]) -> None:
    """Add indexed pictures to an album; those that it has already are kept."""
    statement = upsert(connection, album_pictures).on_conflict_do_nothing()
    for chunk in split_ids(ids):
        found = connection.execute(select(pictures.c.fingerprint).where(pictures.c.id.in_(chunk))).scalars()
        if rows := [{"album_id": album_id, "fingerprint": one} for one in sorted(found)]:
            connection.execute(statement, rows)


def remove_pictures(connection: Connection, album_id: int, ids: Sequence[int]) -> None:
    """Remove indexed pictures from an album."""
    for chunk in split_ids(ids):
        found = select(pictures.c.fingerprint).where(pictures.c.id.in_(chunk))
        connection.execute(
            delete(album_pictures).where(album_pictures.c.album_id == album_id, album_pictures.c.fingerprint.in_(found))
        )


def find_albums(connection: Connection, picture_id: int) -> list[int]:
    """The ids of the albums that have this picture."""
    query = select(album_pictures.c.album_id).join(pictures, pictures.c.fingerprint == album_pictures.c.fingerprint)
    return list(connection.execute(query.where(pictures.c.id == picture_id)).scalars())
