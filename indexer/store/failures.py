"""Failures: files with a failed row, and files and directories that the last run could not access."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, delete, select

from indexer.store.dialect import upsert
from indexer.store.records import FailedFile
from indexer.store.schema import failures, files

__all__ = ["read_failures", "record_failures"]


def read_failures(connection: Connection) -> list[FailedFile]:
    """All files and directories that could not be read, sorted by path."""
    of_files = select(files.c.directory, files.c.name, files.c.failure).where(files.c.failure.is_not(None))
    query = of_files.union_all(select(failures.c.directory, failures.c.name, failures.c.reason))
    rows = connection.execute(query.order_by("directory", "name"))
    return [FailedFile(directory / name, reason) for directory, name, reason in rows]


def record_failures(connection: Connection, folder_id: int, failed: Sequence[FailedFile], replace: Path | None) -> None:
    """Write the failures of a run, except files that have a failed row in `files`.

    replace: a directory whose walk was completed; earlier failures in it are deleted. None: keep all.
    """
    if replace is not None:
        for directory, name in connection.execute(select(failures.c.directory, failures.c.name)).all():
            if (directory / name).is_relative_to(replace):
                which = failures.c.directory == directory, failures.c.name == name
                connection.execute(delete(failures).where(*which))
    for item in failed:
        place = {"directory": item.path.parent, "name": item.path.name}
        has_row = select(files.c.id).filter_by(**place).where(files.c.failure.is_not(None))
        if connection.execute(has_row).first() is None:
            values = {"folder_id": folder_id, "reason": item.reason.encode("utf-8", "backslashreplace").decode()}
            statement = upsert(connection, failures).values(place | values)
            connection.execute(statement.on_conflict_do_update(index_elements=list(place), set_=values))
