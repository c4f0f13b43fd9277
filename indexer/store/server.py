"""A catalog in a PostgreSQL database; its vector files are in the user's cache directory.

The tables are in the schema that the connection's search_path names first, usually "public".
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from threading import Lock
from typing import Any
from uuid import UUID, uuid4

import psycopg
from filelock import FileLock, Timeout
from platformdirs import user_cache_path
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Column, Connection, Engine, Integer, Table, Uuid, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError

from indexer.places import ServerPlace
from indexer.store.change_log import CHANGE_LOG, CREATE_TABLES, TEXT_LOG
from indexer.store.dialect import server_metadata
from indexer.store.errors import (
    CreateIndexError,
    IndexAccessError,
    IndexBusyError,
    NewerIndexError,
    NoIndexError,
    ReplacedIndexError,
    VectorFileError,
)
from indexer.store.geo import EARTH_KM
from indexer.store.migrations import Step, migrate
from indexer.store.schema import APPLICATION_ID, metadata, settings, versions
from indexer.store.server_errors import explain_server_errors
from indexer.store.texts import fill_texts

__all__ = ["SERVER_MIGRATIONS", "ServerBackend", "has_server_catalog", "open_server"]

log = logging.getLogger(__name__)

EXTENSION_SCHEMA = "SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'pg_trgm'"  # quoted


def _index_parts(connection: Connection) -> None:
    """Create the index for parts of words. Without it, which needs a part of PostgreSQL, they are found slowly."""
    try:
        with connection.begin_nested():
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            schema = connection.exec_driver_sql(EXTENSION_SCHEMA).scalar_one()  # that of another catalog, perhaps
            connection.exec_driver_sql(f"CREATE INDEX texts_by_part ON texts USING gin (folded {schema}.gin_trgm_ops)")
    except DBAPIError as error:
        log.warning("Parts of words are searched without an index: pg_trgm can't be used (%s).", error.orig)


FULL_TEXT: Sequence[Step] = (
    "CREATE INDEX texts_by_word ON texts USING gin (string_to_array(words, ' '))",
    _index_parts,
    *TEXT_LOG,
)
# SERVER_MIGRATIONS[i] migrates version i + 1 to i + 2.
SERVER_MIGRATIONS: Sequence[Sequence[Step]] = (
    (*CREATE_TABLES, *CHANGE_LOG),
    (
        "CREATE TABLE albums (id BIGSERIAL PRIMARY KEY, name TEXT NOT NULL UNIQUE, search TEXT)",
        "CREATE TABLE album_pictures (album_id BIGINT NOT NULL REFERENCES albums (id) ON DELETE CASCADE, "
        "fingerprint BYTEA NOT NULL, PRIMARY KEY (album_id, fingerprint))",
    ),
    (
        "CREATE TABLE texts (id BIGSERIAL PRIMARY KEY, picture_id BIGINT NOT NULL "
        "REFERENCES pictures (id) ON DELETE CASCADE, kind TEXT NOT NULL, text TEXT NOT NULL, folded TEXT NOT NULL, "
        "words TEXT NOT NULL, box TEXT, confidence FLOAT)",
        "CREATE INDEX ix_texts_picture_id ON texts (picture_id)",
        "CREATE TABLE readings (picture_id BIGINT PRIMARY KEY REFERENCES pictures (id) ON DELETE CASCADE, "
        "reader TEXT NOT NULL)",
        fill_texts,
        *FULL_TEXT,
    ),
    (
        "ALTER TABLE files ADD COLUMN position_ms BIGINT",
        "ALTER TABLE files DROP CONSTRAINT files_directory_name_key",
        "CREATE UNIQUE INDEX files_by_name ON files (directory, name, coalesce(position_ms, 0))",
    ),
)

# One row; its presence shows that the tables are this program's.
about = Table(
    "cosmos_search",
    server_metadata,
    Column("uuid", Uuid, nullable=False),  # of the catalog, for the name of the directory of vector files
    Column("schema_version", Integer, nullable=False),
)

# See indexer.store.geo.distance_km.
DISTANCE_KM = f"""
CREATE OR REPLACE FUNCTION distance_km(double precision, double precision, double precision, double precision)
RETURNS double precision IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql AS $$
SELECT 2 * {EARTH_KM} * asin(sqrt(least(1.0, sin((radians($1) - radians($3)) / 2) ^ 2
  + cos(radians($1)) * cos(radians($3)) * sin(radians($2 - $4) / 2) ^ 2))) $$
"""
AFTER_CREATION: Sequence[Step] = (
    DISTANCE_KM,
    "ALTER TABLE vectors ALTER COLUMN data SET STORAGE EXTERNAL",  # half-precision numbers can't be compressed
    "CREATE INDEX pictures_newest ON pictures (taken_at DESC NULLS LAST, id DESC)",
    *CHANGE_LOG,
    *FULL_TEXT,
)


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
                version = _read_version(connection)
            if version is None and not create:
                raise NoIndexError(place)
            if version is not None and version > newest:
                raise NewerIndexError(place)
            if version != newest:
                with engine.begin() as connection:
                    _prepare(connection, place, migrations)
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


def _is_there(connection: Connection) -> bool:
    """True if there are tables. Reading pg_class makes the server look again for what it did not find before."""
    found = select(func.count()).select_from(text("pg_class")).where(text("oid = to_regclass(:name)"))
    return bool(connection.execute(found, {"name": about.name}).scalar_one())


def _read_version(connection: Connection) -> int | None:
    """The version of the tables; None if there are none."""
    return connection.execute(select(about.c.schema_version)).scalar() if _is_there(connection) else None


def _prepare(connection: Connection, place: ServerPlace, migrations: Sequence[Sequence[Step]]) -> None:
    """Create the tables, or apply the missing migrations, unless another process did meanwhile."""
    connection.execute(select(func.pg_advisory_xact_lock(APPLICATION_ID)))
    version, newest = _read_version(connection), 1 + len(migrations)
    if version is None:
        _check_database(connection, place)
        metadata.create_all(connection, checkfirst=False)
        server_metadata.create_all(connection, checkfirst=False)
        migrate(connection, AFTER_CREATION)
        connection.execute(settings.insert().values(current_encoder=None))
        connection.execute(versions.insert().values())
        connection.execute(about.insert().values(uuid=uuid4(), schema_version=newest))
    else:
        for steps in migrations[version - 1 :]:
            migrate(connection, steps)
        connection.execute(about.update().values(schema_version=newest))


def _check_database(connection: Connection, place: ServerPlace) -> None:
    """Raise CreateIndexError if the catalog's tables can't be created in this database."""
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise CreateIndexError(place, f"the database's encoding is {encoding}, not UTF8")
    for table in metadata.sorted_tables:
        if connection.execute(select(func.to_regclass(table.name).is_not(None))).scalar_one():
            raise CreateIndexError(place, f"the database has tables of another program ({table.name})")
