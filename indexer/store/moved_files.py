"""Which files were moved, and which are the last ones of a picture. Of a video: all its frames count."""

from collections import Counter
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, and_, func, select

from indexer.store.rows import split_ids
from indexer.store.schema import files

__all__ = ["find_last_files", "find_moved_files", "read_pictures_of_files"]


def find_moved_files(connection: Connection, vanished: Sequence[int], last_file_id: int) -> set[int]:
    """The vanished files of which each picture has a file that was added after `last_file_id`.

    A picture has at most as many moved files as were added with it.
    """
    pairs = read_pictures_of_files(connection, vanished)
    n_new = _count_files(connection, (picture_id for _, picture_id in pairs), files.c.id > last_file_id)
    moved: set[int] = set()
    others: set[int] = set()
    for file_id, picture_id in sorted(pairs):  # one file after the other
        (moved if n_new[picture_id] > 0 else others).add(file_id)
        n_new[picture_id] -= 1
    return moved - others


def find_last_files(connection: Connection, file_ids: Sequence[int]) -> set[int]:
    """Those of these files of which a picture has no other file."""
    pairs = read_pictures_of_files(connection, file_ids)
    n_these = Counter(picture_id for _, picture_id in pairs)
    n_all = _count_files(connection, n_these)
    return {file_id for file_id, picture_id in pairs if n_these[picture_id] == n_all[picture_id]}


def read_pictures_of_files(connection: Connection, file_ids: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of the id of a file and that of a picture in it."""
    first = files.alias()
    is_same = and_(first.c.directory == files.c.directory, first.c.name == files.c.name)
    query = select(first.c.id, files.c.picture_id).join(first, is_same)  # a condition on picture_id slows it down
    chunks = (connection.execute(query.where(first.c.id.in_(chunk))) for chunk in split_ids(file_ids))
    return [(file_id, picture_id) for chunk in chunks for file_id, picture_id in chunk if picture_id is not None]


def _count_files(connection: Connection, picture_ids: Iterable[int], *conditions: ColumnElement[bool]) -> Counter[int]:
    """The number of files of each of these pictures, among the files that meet the conditions."""
    query = select(files.c.picture_id, func.count()).where(*conditions).group_by(files.c.picture_id)
    chunks = split_ids(sorted(set(picture_ids)))
    rows = (connection.execute(query.where(files.c.picture_id.in_(chunk))) for chunk in chunks)
    return Counter({picture_id: n for chunk in rows for picture_id, n in chunk})
