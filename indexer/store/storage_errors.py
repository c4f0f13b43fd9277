"""What the disk and the database say when something is wrong with an index, as one sentence each."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

from sqlalchemy import BLOB, Engine, Float, Integer, Table
from sqlalchemy.exc import DBAPIError

from indexer.errors import CosmosSearchError, IndexBusyError, StorageError
from indexer.store.schema import metadata

__all__ = ["damaged_index", "explain_storage_errors", "replaced_index"]

KEPT = "what was indexed before is kept"
FULL_BYTES = 1_000_000  # of free room; with less, these errors are taken for a full disk
CAUSED_BY_FULL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
# What a damaged database can raise anywhere: wrong kinds of values, missing rows, texts that are no text.
SUSPICIOUS = (DBAPIError, sqlite3.Error, ValueError, TypeError, LookupError, AttributeError, OverflowError)
KINDS = {Integer: "'integer'", Float: "'real', 'integer'", BLOB: "'blob'"}  # all other columns hold text

WRONG_VECTORS = (
    "SELECT 1 FROM vectors JOIN encoders ON encoders.id = encoder_id WHERE length(data) = 0 OR length(data) % (2 * dim)"
)
DAY = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*"
WRONG_PICTURES = f"SELECT 1 FROM pictures WHERE width < 1 OR height < 1 OR taken_at NOT GLOB '{DAY}' LIMIT 1"


@contextmanager
def explain_storage_errors(place: Path, engine: Engine | None = None) -> Iterator[None]:
    """Turn an error of the disk or the database at `place`, an index's directory, into a CosmosSearchError.

    engine: where any other error comes up, the database is checked: a damaged one causes errors of every kind.
    An error that has nothing to do with the disk passes through.
    """
    try:
        yield
    except CosmosSearchError:
        raise
    except SUSPICIOUS as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        explained = _explain(cause, place) if isinstance(cause, sqlite3.Error) else None
        if explained is None and engine is not None and (problem := _find_damage(engine)) is not None:
            explained = damaged_index(place, problem)
        if explained is None and engine is None and isinstance(cause, UnicodeError):  # SQLite quotes the file's bytes
            explained = damaged_index(place, "its schema is garbled")
        if explained is None:
            raise
        raise explained from error


def replaced_index(place: Path) -> StorageError:
    """For a process whose index was deleted or replaced while it wrote to it."""
    return StorageError(
        f"The index at {place} was deleted or replaced while it was in use, so the last changes are lost; "
        "run the command again."
    )


def damaged_index(place: Path, problem: object) -> StorageError:
    """For a database that holds what SQLite or this program can't have written."""
    return StorageError(
        f"The index at {place} is damaged ({problem}). Move it away and index again: "
        f"mv {quote(str(place))} {quote(f'{place}.damaged')} && cosmos-search index FOLDER"
    )


def _explain(error: sqlite3.Error, place: Path) -> CosmosSearchError | None:
    """By SQLite's primary result code (https://sqlite.org/rescode.html); None for all that is no fault of storage."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        return replaced_index(place)
    primary = code & 0xFF
    if primary == sqlite3.SQLITE_FULL or (primary in CAUSED_BY_FULL and _is_full(place)):
        return StorageError(f"The disk of the index at {place} is full; {KEPT}. Make room and try again.")
    match primary:
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return damaged_index(place, error)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return IndexBusyError(f"Another program holds the index at {place}; {KEPT}. Try again when it is done.")
        case sqlite3.SQLITE_READONLY:
            return StorageError(
                f"The index at {place} is read-only; make it writable: chmod -R u+w {quote(str(place))}"
            )
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return StorageError(f"The index at {place} can't be opened ({error}); look at its permissions.")
        case sqlite3.SQLITE_IOERR:
            return StorageError(
                f"The index at {place} can't be read or written ({error}); {KEPT}. Is its disk failing or gone?"
            )
        case sqlite3.SQLITE_NOMEM:
            return StorageError(f"There is not enough memory to use the index at {place}; {KEPT}.")
    return None


def _is_full(place: Path) -> bool:
    try:
        return shutil.disk_usage(place).free < FULL_BYTES
    except OSError:
        return False


def _find_damage(engine: Engine) -> str | None:
    """What is wrong with the database, None if nothing is found: its structure, and the kind of every value."""
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
            return "rows refer to others that are not there"
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
    """SQL for a row with a value that its column can't hold."""
    wrong = []
    for column in table.columns:
        kinds = next((kinds for kind, kinds in KINDS.items() if isinstance(_sql_type(column.type), kind)), "'text'")
        kinds += ", 'null'" if column.nullable and not column.primary_key else ""
        wrong.append(f"typeof({column.name}) NOT IN ({kinds})")
    return f"SELECT 1 FROM {table.name} WHERE {' OR '.join(wrong)} LIMIT 1"


def _sql_type(kind: object) -> object:
    return getattr(kind, "impl", kind)
