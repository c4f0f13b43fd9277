"""What the disk and the database say when something is wrong with an index, as one sentence each."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

from sqlalchemy.exc import DBAPIError

from indexer.errors import CosmosSearchError, IndexBusyError

__all__ = ["explain_storage_errors", "replaced_index"]

KEPT = "what was indexed before is kept"


@contextmanager
def explain_storage_errors(place: Path) -> Iterator[None]:
    """Turn an error of the disk or the database at `place`, an index's directory, into a CosmosSearchError.

    An error that says nothing about the disk (a mistake in a statement, a refused value) passes through.
    """
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error) and (explained := _explain(error.orig, place)) is not None:
            raise explained from error
        raise
    except sqlite3.Error as error:
        if (explained := _explain(error, place)) is not None:
            raise explained from error
        raise


def replaced_index(place: Path) -> CosmosSearchError:
    """For a process whose index was deleted or replaced while it wrote to it."""
    return CosmosSearchError(
        f"The index at {place} was deleted or replaced while it was in use, so the last changes are lost; "
        "run the command again."
    )


def _explain(error: sqlite3.Error, place: Path) -> CosmosSearchError | None:
    """By SQLite's primary result code (https://sqlite.org/rescode.html); None for all that is no fault of storage."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        return replaced_index(place)
    match code & 0xFF:
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return _damaged(error, place)
        case sqlite3.SQLITE_FULL:
            return CosmosSearchError(f"The disk of the index at {place} is full; {KEPT}. Make room and try again.")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return IndexBusyError(f"Another program holds the index at {place}; {KEPT}. Try again when it is done.")
        case sqlite3.SQLITE_READONLY:
            return CosmosSearchError(f"The index at {place} is read-only; make it writable: chmod -R u+w {_q(place)}")
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return CosmosSearchError(f"The index at {place} can't be opened ({error}); look at its permissions.")
        case sqlite3.SQLITE_IOERR:
            return CosmosSearchError(
                f"The index at {place} can't be read or written ({error}); {KEPT}. Is its disk full, failing or gone?"
            )
        case sqlite3.SQLITE_NOMEM:
            return CosmosSearchError(f"There is not enough memory to use the index at {place}; {KEPT}.")
    if str(error).startswith(("no such table", "no such column", "Could not decode")):  # a garbled page can say so
        return _damaged(error, place)
    return None


def _damaged(error: sqlite3.Error, place: Path) -> CosmosSearchError:
    return CosmosSearchError(
        f"The index at {place} is damaged ({error}). Move it away and index again: "
        f"mv {_q(place)} {_q(Path(f'{place}.damaged'))} && cosmos-search index FOLDER"
    )


def _q(place: Path) -> str:
    return quote(str(place))
