"""Open the catalog's database: create, check and migrate it, or open it read-only."""

import logging
import os
import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from indexer.store.errors import CreateIndexError, DamagedIndexError, NewerIndexError, NoIndexError, OldIndexError
from indexer.store.geo import distance_km
from indexer.store.migrations import MIGRATIONS, Step, migrate
from indexer.store.names import contains_folded
from indexer.store.schema import APPLICATION_ID, FULL_TEXT, metadata, settings, versions
from indexer.store.storage_errors import explain_storage_errors

__all__ = ["checkpoint", "is_writable", "open_database", "vacuum"]

BUSY_TIMEOUT_S = 30
VACUUM_BYTES = 10_000_000  # the file is compacted if more is unused, and more than half of it

log = logging.getLogger(__name__)


def open_database(
    path: Path,
    migrations: Sequence[Sequence[Step]] = MIGRATIONS,
    *,
    create: bool = True,
    read_only: bool = False,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
) -> Engine:
    """An engine for the catalog at `path`. Creates the tables in an empty file, or with `create` in a missing one.

    read_only: do not write, even if the file is writable. busy_timeout_s: how long to wait for another writer.
    Raises CosmosSearchError if the file is damaged, of another program, from a newer version, or can't be opened.
    """
    if path.exists() and not path.stat().st_size:
        if any(path.parent.glob("vectors-*")):
            raise DamagedIndexError(path.parent, "its catalog is empty")
        if not create:  # a first run was killed before it created the tables
            raise NoIndexError(path.parent)
    writable = not read_only and is_writable(path)
    # Not with an SQLAlchemy URL: the path may contain any byte.
    uri = _make_uri(path, _choose_mode(path, create=create, writable=writable))
    connect = partial(sqlite3.connect, uri, uri=True, timeout=busy_timeout_s, check_same_thread=False)
    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool)
    event.listen(engine, "connect", _configure if writable else _configure_reader)
    event.listen(engine, "begin", _begin_transaction)
    try:
        with explain_storage_errors(path.parent):
            with engine.connect() as connection:
                is_ready = _check_version(connection, path, 1 + len(migrations))
            if not is_ready and not writable:
                raise OldIndexError(path.parent)
            if not is_ready:
                with engine.execution_options(write=True).begin() as connection:
                    _prepare(connection, migrations)
    except BaseException:
        engine.dispose()
        raise
    return engine


def is_writable(path: Path) -> bool:
    """True if SQLite can write to a database at `path`, and create files beside it."""
    return os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))


def checkpoint(engine: Engine) -> None:
    """Write the commits in the write-ahead log to the disk."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    finally:
        connection.close()


def vacuum(engine: Engine) -> None:
    """Make the database file smaller if most of it is unused. Errors are logged."""
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        free, pages, page_bytes = (
            int(cursor.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("freelist_count", "page_count", "page_size")
        )
        if free * page_bytes > VACUUM_BYTES and 2 * free > pages:
            cursor.execute("VACUUM")
    except Exception as error:  # the disk is full, or another process reads the database; a later run tries again
        log.info("The catalog was not compacted: %s", error)
    finally:
        connection.close()


def _choose_mode(path: Path, *, create: bool, writable: bool) -> str:
    """The URI parameters that open a file.

    A read-only database in WAL mode is opened with its log if there is one: a writer has it open, or crashed.
    Without a log it is opened as immutable, because SQLite can't create the files that detect changes.
    """
    if writable:
        return "mode=rwc" if create else "mode=rw"
    log = path.with_name(path.name + "-wal")
    return "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"


def _make_uri(path: Path, mode: str) -> str:
    return f"file:{quote(os.fsencode(path.absolute()))}?{mode}"


def _configure(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    _configure_reader(connection, entry)
    connection.execute("PRAGMA journal_mode = WAL")  # allows readers beside one writer
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _configure_reader(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # _begin_transaction starts all transactions, those of SELECTs included
    connection.create_function("distance_km", 4, distance_km, deterministic=True)
    connection.create_function("contains_folded", 2, contains_folded, deterministic=True)


def _begin_transaction(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN")
    # If another process changed the schema, which VACUUM does too, it is loaded again here. SQLite would else find out
    # while it prepares a statement that uses a full-text index, and say that there is no such table.
    connection.exec_driver_sql("SELECT 1 FROM sqlite_schema LIMIT 1").close()


def _check_version(connection: Connection, path: Path, newest: int) -> bool:
    """True if the tables exist and are up to date. Raises CosmosSearchError if this version must not change them."""
    if _is_empty(connection):
        return False
    if _read_header(connection, "application_id") != APPLICATION_ID:
        raise CreateIndexError(path.parent, f"{path.name} is a database of another program")
    version = _read_header(connection, "user_version")
    if version > newest:
        raise NewerIndexError(path.parent)
    return version == newest


def _prepare(connection: Connection, migrations: Sequence[Sequence[Step]]) -> None:
    """Create the tables, or apply the missing migrations."""
    if _is_empty(connection):
        metadata.create_all(connection)
        migrate(connection, FULL_TEXT)
        connection.execute(settings.insert().values(current_encoder=None))
        connection.execute(versions.insert().values())
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    else:
        for step in migrations[_read_header(connection, "user_version") - 1 :]:
            migrate(connection, step)
    connection.exec_driver_sql(f"PRAGMA user_version = {1 + len(migrations)}")


def _is_empty(connection: Connection) -> bool:
    return _read_header(connection, "schema_version") == 0


def _read_header(connection: Connection, field: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {field}").scalar_one())
