"""Turn errors of PostgreSQL into the errors of indexer.store.errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from indexer.errors import CosmosSearchError
from indexer.places import ServerPlace
from indexer.store.errors import CreateIndexError, FullDiskError, IndexAccessError, ReplacedIndexError, ServerError

__all__ = ["explain_server_errors"]

# SQLSTATE, see https://www.postgresql.org/docs/current/errcodes-appendix.html. The first two characters are the class.
CONNECTION = ("08", "57P01", "57P02", "57P03", "57P05", "53300")
# Another writer changed the same rows; 23503 (a missing row is referred to): it deleted a picture that has a file now.
CONFLICTS = ("40", "23503", "55P03")
ACCESS = ("28", "3D000", "42501", "25006", "53", "57014", "58", "XX")
TOO_LONG = "54000"  # a path that does not fit into an SQL index
NO_SCHEMA = "3F000"
MISSING_TABLE = "42P01"
DISK_FULL = "53100"


@contextmanager
def explain_server_errors(place: ServerPlace) -> Iterator[None]:
    """Turn an error of the server or of the connection to it into a CosmosSearchError."""
    try:
        yield
    except PoolTimeoutError as error:
        raise ServerError(place, "is busy: all connections of this process are in use") from error
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(error, DBAPIError) and isinstance(cause, psycopg.Error) and cause.sqlstate == TOO_LONG:
            raise DataError(error.statement, None, cause) from error  # caused by the row
        explained = _explain(cause, place) if isinstance(cause, psycopg.Error) else None
        if explained is None:
            raise
        raise explained from error


def _explain(error: psycopg.Error, place: ServerPlace) -> CosmosSearchError | None:
    """None if neither the server nor the connection to it is the cause."""
    state, reason = error.sqlstate or "", _describe(error)
    if state == DISK_FULL:
        return FullDiskError(place)
    if state.startswith(CONNECTION) or (isinstance(error, psycopg.OperationalError) and not state):
        return ServerError(place, f"can't be reached ({reason})")
    if state.startswith(CONFLICTS):
        return ServerError(place, f"refused changes because another process made others ({reason})")
    if state == NO_SCHEMA:
        return CreateIndexError(place, reason)
    if state == MISSING_TABLE:
        return ReplacedIndexError(place)
    if state.startswith(ACCESS):
        return IndexAccessError(place, f"can't be used ({reason})")
    return None


def _describe(error: psycopg.Error) -> str:
    """The server's or libpq's message in one line; neither contains a password."""
    line = error.diag.message_primary or next(iter(str(error).splitlines()), "") or type(error).__name__
    return line.removeprefix("connection failed: ").strip().rstrip(".:")
