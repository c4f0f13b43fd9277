"""Turn errors of SQLite and the disk into the errors of indexer.store.errors."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, Float, Integer, LargeBinary, Table
from sqlalchemy.exc import DBAPIError

from indexer.errors import CosmosSearchError
from indexer.store.errors import (
    KEPT,
    DamagedIndexError,
    FullDiskError,
    IndexAccessError,
    IndexBusyError,
    ReadOnlyIndexError,
    ReplacedIndexError,
)
from indexer.store.schema import FULL_TEXT, metadata

__all__ = ["explain_storage_errors"]

FULL_BYTES = 1_000_000  # with less free space, the errors CAUSED_BY_FULL are reported as a full disk
NO_REASON = "SQL logic error"
CAUSED_BY_FULL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
# What a damaged database can cause anywhere: values of wrong types, missing rows, invalid text.
SUSPICIOUS = (DBAPIError, sqlite3.Error, ValueError, TypeError, LookupError, AttributeError, OverflowError)
KINDS = {Integer: "'integer'", Float: "'real', 'integer'", LargeBinary: "'blob'"}  # all other columns hold text

WRONG_VECTORS = (
    "SELECT 1 FROM vectors JOIN encoders ON encoders.id = encoder_id WHERE length(data) = 0 OR length(data) % (2 * dim)"
)
DAY = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*"
WRONG_PICTURES = f"SELECT 1 FROM pictures WHERE width < 1 OR height < 1 OR taken_at NOT GLOB '{DAY}' LIMIT 1"


@contextmanager
def explain_storage_errors(place: Path, engine: Engine | None = None) -> Iterator[None]:
    """Turn an error of the disk or the database at `place`, an index's directory, into a CosmosSearchError.

    engine: the database is checked after any other error, because damage can cause all kinds of errors.
    Errors with other causes are raised unchanged.
    """
    try:
        yield
    except CosmosSearchError:
        raise
    except SUSPICIOUS as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        explained = _explain_sqlite_error(cause, place) if isinstance(cause, sqlite3.Error) else None
        if explained is None and engine is not None and (problem := _find_damage(engine)) is not None:
            explained = DamagedIndexError(place, problem)
        if explained is None and engine is None and isinstance(cause, UnicodeError):
            # SQLite's message quotes bytes of the file, which Python can't decode
            explained = DamagedIndexError(place, "its schema is not valid text")
        if explained is None:
            raise
        raise explained from error


def _explain_sqlite_error(error: sqlite3.Error, place: Path) -> CosmosSearchError | None:
    """By SQLite's primary result code (https://sqlite.org/rescode.html); None if storage is not the cause."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        return ReplacedIndexError(place)
    primary = code & 0xFF
    if primary == sqlite3.SQLITE_FULL or (primary in CAUSED_BY_FULL and _is_full(place)):
        return FullDiskError(place)
    match primary:
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return DamagedIndexError(place, str(error))
        case sqlite3.SQLITE_ERROR if str(error) == NO_REASON:  # of a damaged full-text index; others have a reason
            return DamagedIndexError(place, "its full-text index can't be read")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return IndexBusyError(place)
        case sqlite3.SQLITE_READONLY:
            return ReadOnlyIndexError(place)
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return IndexAccessError(place, f"can't be opened ({error}); check its permissions")
        case sqlite3.SQLITE_IOERR:
            return IndexAccessError(place, f"can't be read or written ({error}); check its disk. {KEPT}")
        case sqlite3.SQLITE_NOMEM:
            return IndexAccessError(place, f"can't be used: there is not enough memory. {KEPT}")
    return None


def _is_full(place: Path) -> bool:
    try:
        return shutil.disk_usage(place).free < FULL_BYTES
    except OSError:
        return False


def _find_damage(engine: Engine) -> str | None:
    """Damage in the structure of the database or the type of a value; None if nothing is found."""
    try:
        connection = engine.raw_connection()
    except Exception as error:
        return str(error)
    try:
        cursor = connection.cursor()
        (found,) = cursor.execute("PRAGMA integrity_check(1)").fetchone()  # also compares the SQL indexes with the rows
        if found != "ok":
            return str(found)
        if cursor.execute("PRAGMA foreign_key_check").fetchone() is not None:
            return "rows refer to missing rows"
        for statement in FULL_TEXT:  # whose damage is no damage of the structure
            if cursor.execute("SELECT 1 FROM sqlite_master WHERE sql = ?", (statement,)).fetchone() is None:
                return "the definition of a full-text index has changed"
        for table in metadata.sorted_tables:
            if cursor.execute(_select_wrong_kinds(table)).fetchone() is not None:
                return f"values of the wrong kind in {table.name}"
        if cursor.execute(WRONG_VECTORS).fetchone() is not None:
            return "vectors of the wrong length"
        if cursor.execute(WRONG_PICTURES).fetchone() is not None:
            return "impossible sizes or dates of pictures"
    except Exception as error:
        return str(error)
    finally:
        connection.close()
    return None


def _select_wrong_kinds(table: Table) -> str:
    """SQL that finds a row with a value of a type that its column can't have."""
    wrong = []
    for column in table.columns:
        kinds = next((kinds for kind, kinds in KINDS.items() if isinstance(_get_sql_type(column.type), kind)), "'text'")
        kinds += ", 'null'" if column.nullable and not column.primary_key else ""
        wrong.append(f"typeof({column.name}) NOT IN ({kinds})")
    return f"SELECT 1 FROM {table.name} WHERE {' OR '.join(wrong)} LIMIT 1"


def _get_sql_type(kind: object) -> object:
    return getattr(kind, "impl", kind)
