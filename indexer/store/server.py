"""A catalog in a PostgreSQL database; its vector files are in the user's cache directory.

The tables are in the schema that the connection's search_path names first, usually "public".
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from threading import Lock
from typing import Any
from uuid import UUID

import psycopg
from filelock import FileLock, Timeout
from platformdirs import user_cache_path
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Engine, create_engine, func, select

from indexer.places import ServerPlace
from indexer.store.dialect import server_metadata
from indexer.store.errors import (
    IndexAccessError,
    IndexBusyError,
    NewerIndexError,
    NoIndexError,
    ReplacedIndexError,
    VectorFileError,
)
from indexer.store.migrations import Step
from indexer.store.schema import metadata
from indexer.store.server_errors import explain_server_errors
from indexer.store.server_schema import SERVER_MIGRATIONS, about, prepare_tables, read_version

__all__ = ["ServerBackend", "has_server_catalog", "open_server"]


class _BinaryCursor(psycopg.Cursor[Any]):
    """Receives binary values: vectors three times as fast as in hexadecimal."""

    def __init__(self, connection: psycopg.Connection[Any], **options: Any) -> None:
        super().__init__(connection, **options)
        self.format = psycopg.pq.Format.BINARY


def open_server(
    place: ServerPlace, migrations: Sequence[Sequence[Step]] = SERVER_MIGRATIONS, *, create: bool = True
) -> Engine:
    """An engine for the catalog at `place`. With `create`, its tables are created if there are none.

    Raises NoIndexError, CreateIndexError, NewerIndexError, or StorageError if the server can't be used.
    """
    newest = 1 + len(migrations)
    with explain_server_errors(place):
        engine = _make_engine(place)
        try:
            with engine.connect() as connection:
                version = read_version(connection)
            if version is None and not create:
                raise NoIndexError(place)
            if version is not None and version > newest:
                raise NewerIndexError(place)
            if version != newest:
                with engine.begin() as connection:
                    prepare_tables(connection, place, migrations)
        except BaseException:
            engine.dispose()
            raise
    return engine


def has_server_catalog(place: ServerPlace) -> bool:
    """True if there is a catalog. Raises StorageError if the server can't be used."""
    try:
        open_server(place, create=False).dispose()
    except NoIndexError:
        return False
    return True


class ServerBackend:
    """Implements indexer.store.backend.Backend. Thread-safe."""

    is_shared = True

    def __init__(self, place: ServerPlace, engine: Engine) -> None:
        self._place = place
        self._lock: psycopg.Connection | None = None  # holds the lock as long as it is open
        self._guard = Lock()  # of _lock
        self.reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self.writer = engine
        identity = self.read_identity()
        if identity is None:
            raise NoIndexError(place)
        self._uuid = UUID(int=identity[0])
        self.cache_directory = user_cache_path("cosmos-search") / "catalogs" / str(self._uuid)

    def read_identity(self) -> tuple[int, ...] | None:
        """The catalog's uuid as a number. Raises ServerError if the server can't be reached."""
        engine = self.writer.execution_options(isolation_level="AUTOCOMMIT")  # called often: one statement only
        try:
            with self.explain_errors(), engine.connect() as connection:
                uuid = connection.execute(select(about.c.uuid)).scalar()
        except ReplacedIndexError:
            return None
        return None if uuid is None else (uuid.int,)

    def explain_errors(self) -> AbstractContextManager[None]:
        """Turn errors of the server and of the connection to it into CosmosSearchErrors."""
        return explain_server_errors(self._place)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Exclude other writing processes; raises IndexBusyError if there is one. The server releases it if we die."""
        with self._guard:
            if self._lock is not None:
                raise IndexBusyError(self._place)
            self._lock = self._acquire()
        try:
            yield
        finally:
            with self._guard, suppress(psycopg.Error):
                connection, self._lock = self._lock, None
                connection.close()

    @contextmanager
    def lock_files(self, *, wait: bool = True) -> Iterator[None]:
        """Exclude this user's other processes that write vector files. wait: if False, raise IndexBusyError instead."""
        try:
            self.cache_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(self.cache_directory / "lock", timeout=-1 if wait else 0)
            lock.acquire()
        except Timeout as error:
            raise IndexBusyError(self._place) from error
        except OSError as error:
            raise VectorFileError(self.cache_directory, error.strerror or str(error)) from error
        try:
            yield
        finally:
            lock.release()

    def keep_lock(self) -> None:
        """Take the lock again if it is wanted and was lost with the connection; raises IndexBusyError."""
        with self._guard:
            if self._lock is None:
                return
            try:
                self._lock.execute("SELECT 1")
            except psycopg.OperationalError:
                self._lock.close()
                self._lock = self._acquire()

    def flush(self) -> None:
        """The server writes every commit to its disk."""

    def compact(self) -> None:
        """The server does it (autovacuum)."""

    def size_bytes(self) -> int:
        """The size of the tables with their SQL indexes."""
        tables = [*metadata.tables, *server_metadata.tables]
        sizes = [func.pg_total_relation_size(func.to_regclass(name)) for name in tables]
        with self.explain_errors(), self.reader.connect() as connection:
            return sum(connection.execute(select(*sizes)).one())

    def _acquire(self) -> psycopg.Connection:
        with self.explain_errors():
            connection = _connect(self._place, autocommit=True)
            key = self._uuid.int >> 65  # 63 bits
            row = connection.execute("SELECT pg_try_advisory_lock(%s::bigint)", [key]).fetchone()
        if row is None or not row[0]:
            connection.close()
            raise IndexBusyError(self._place)
        return connection


def _make_engine(place: ServerPlace) -> Engine:
    try:
        connect = partial(_connect, place)
        url = "postgresql+psycopg://"  # libpq parses the place's URL
        return create_engine(url, creator=connect, pool_pre_ping=True, isolation_level="READ COMMITTED")
    except ImportError as error:  # psycopg without libpq
        raise IndexAccessError(place, f"can't be opened ({error})") from error


def _connect(place: ServerPlace, *, autocommit: bool = False) -> psycopg.Connection:
    """A connection, by the rules of libpq: what the URL lacks comes from PGPASSFILE and other variables."""
    try:
        given = conninfo_to_dict(place.url)
    except psycopg.ProgrammingError as error:  # its message may quote the password
        raise IndexAccessError(place, "can't be opened (the URL has unknown or wrong parameters)") from error
    defaults = {
        "connect_timeout": os.environ.get("PGCONNECT_TIMEOUT", "10"),  # seconds
        "fallback_application_name": "cosmos-search",
    }
    missing = {name: value for name, value in defaults.items() if name not in given}
    url = make_conninfo(place.url, client_encoding="UTF8", **missing)
    connection = psycopg.connect(url, autocommit=True, cursor_factory=_BinaryCursor)
    connection.execute("SET DateStyle TO ISO")  # facets take the year from the text of a date
    connection.autocommit = autocommit
    return connection
