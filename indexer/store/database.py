"""How a catalog's database file is opened: made, recognised, migrated, read-only where it can't be written."""

import os
import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from indexer.errors import CosmosSearchError, NoIndexError
from indexer.store.geo import distance_km
from indexer.store.names import holds
from indexer.store.schema import APPLICATION_ID, MIGRATIONS, metadata, settings, versions
from indexer.store.storage_errors import damaged_index, explain_storage_errors

__all__ = ["is_writable", "open_database"]

BUSY_TIMEOUT_S = 30


def open_database(
    path: Path,
    migrations: Sequence[Sequence[str]] = MIGRATIONS,
    *,
    create: bool = True,
    read_only: bool = False,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
) -> Engine:
    """An engine on the catalog at `path`; an empty file, or a missing one with `create`, is given its tables.

    read_only: also where it could be written. busy_timeout_s: how long another writer is waited for.
    Raises CosmosSearchError when the file is damaged, not ours, from a newer version, or can't be opened.
    """
    if path.exists() and not path.stat().st_size:
        if any(path.parent.glob("vectors-*")):
            raise damaged_index(path.parent, "its catalog is empty")
        if not create:  # a first run was killed before it made the tables
            raise NoIndexError(path.parent)
    writable = not read_only and is_writable(path)
    # The path goes through no URL of SQLAlchemy's: it may hold any byte.
    connect = partial(
        sqlite3.connect, _uri(path, _mode(path, create=create, writable=writable)), uri=True, timeout=busy_timeout_s,
        check_same_thread=False,
    )  # fmt: skip
    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool)
    event.listen(engine, "connect", _configure if writable else _configure_reader)
    event.listen(engine, "begin", _begin)
    try:
        with explain_storage_errors(path.parent):
            with engine.connect() as connection:
                is_ready = _check(connection, path, 1 + len(migrations))
            if not is_ready and not writable:
                raise CosmosSearchError(
                    f"The index at {path.parent} was written by an older cosmos-search and is read-only; "
                    "bring it up to date once where it can be written: cosmos-search info"
                )
            if not is_ready:
                with engine.execution_options(write=True).begin() as connection:
                    _prepare(connection, migrations)
    except BaseException:
        engine.dispose()
        raise
    return engine


def is_writable(path: Path) -> bool:
    """Whether SQLite can write to a database here: to its file, and new files beside it."""
    return os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))


def _mode(path: Path, *, create: bool, writable: bool) -> str:
    """What SQLite is told of the file.

    A database in WAL mode that can't be written is read in place, with the log of a writer that has it open or died.
    Without a log it must be told that nothing changes, since it can't make the files that it watches changes with.
    """
    if writable:
        return "mode=rwc" if create else "mode=rw"
    log = path.with_name(path.name + "-wal")
    return "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(os.fsencode(path.absolute()))}?{mode}"


def _configure(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    _configure_reader(connection, entry)
    connection.execute("PRAGMA journal_mode = WAL")  # readers and one writer side by side
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _configure_reader(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions are begun by _begin, selects included
    connection.create_function("distance_km", 4, distance_km, deterministic=True)
    connection.create_function("holds", 2, holds, deterministic=True)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN")


def _check(connection: Connection, path: Path, newest: int) -> bool:
    """Whether the tables are there and up to date; raises CosmosSearchError when they are not ours to touch."""
    if _is_empty(connection):
        return False
    if _header(connection, "application_id") != APPLICATION_ID:
        raise CosmosSearchError(f"{path} is a database of another program; choose another place with --index DIR.")
    version = _header(connection, "user_version")
    if version > newest:
        raise CosmosSearchError(
            f"The index at {path.parent} was written by a newer cosmos-search; in its checkout: "
            "git pull && pip install -c constraints.txt ."
        )
    return version == newest


def _prepare(connection: Connection, migrations: Sequence[Sequence[str]]) -> None:
    if _is_empty(connection):
        metadata.create_all(connection)
        connection.execute(settings.insert().values(current_encoder=None))
        connection.execute(versions.insert().values())
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    else:
        for step in migrations[_header(connection, "user_version") - 1 :]:
            for statement in step:
                connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA user_version = {1 + len(migrations)}")


def _is_empty(connection: Connection) -> bool:
    return _header(connection, "schema_version") == 0


def _header(connection: Connection, field: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {field}").scalar_one())
