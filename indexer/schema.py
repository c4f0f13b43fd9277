"""The tables of an index, and how a database file becomes one: made, recognised, migrated."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from sqlalchemy import (
    BLOB,
    Column,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    create_engine,
    event,
)
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry

from indexer.distance import distance_km
from indexer.errors import CosmosSearchError
from indexer.names import holds

__all__ = ["encoders", "files", "folders", "open_database", "pictures", "settings", "vectors"]

APPLICATION_ID = 0x434F534D  # "COSM", in the header of every catalog
# MIGRATIONS[i] holds the SQL that lifts version i + 1 to i + 2.
MIGRATIONS: Sequence[Sequence[str]] = (
    ("ALTER TABLE encoders ADD COLUMN regions TEXT NOT NULL DEFAULT 'none'",),
    (
        "CREATE INDEX pictures_by_date ON pictures (taken_at, camera, width, height, latitude, longitude)",
        "CREATE INDEX files_by_directory ON files (directory, picture_id)",
    ),
    ("ALTER TABLE files ADD COLUMN device INTEGER", "ALTER TABLE folders ADD COLUMN exclude BLOB"),
)
BUSY_TIMEOUT_S = 30

metadata = MetaData()


class PathBytes(TypeDecorator[Path]):
    """A path as the bytes that the system knows it by: names need not be valid in any encoding."""

    impl = BLOB
    cache_ok = True

    def process_bind_param(self, value: Path | None, dialect: Dialect) -> bytes | None:
        return None if value is None else os.fsencode(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Path | None:
        return None if value is None else Path(os.fsdecode(value))


settings = Table(
    "settings",
    metadata,
    Column("generation", Integer, nullable=False),  # grows with every change of the vectors
    Column("current_encoder", ForeignKey("encoders.id")),  # the one that searches use
)

encoders = Table(
    "encoders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("dim", Integer, nullable=False),
    Column("regions", Text, nullable=False, server_default="none"),  # the kind of pyramid, see indexer.regions
    sqlite_autoincrement=True,
)

folders = Table(
    "folders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("path", PathBytes, nullable=False, unique=True),
    Column("exclude", BLOB),  # patterns of what is left out, with NUL between them
)

# A picture is a content: copies and moved files share its row and its vectors.
pictures = Table(
    "pictures",
    metadata,
    Column("id", Integer, primary_key=True),  # never used twice: the vectors are filed under it
    Column("fingerprint", BLOB, nullable=False, unique=True),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("taken_at", DateTime),  # what the camera's clock said; EXIF seldom names a zone
    Column("latitude", Float),
    Column("longitude", Float),
    Column("camera", Text),
    Column("caption", Text),
    Column("keywords", Text),  # one a line
    # To turn pages, and to count: with all that filters ask of, so that no row is looked up.
    Index("pictures_by_date", "taken_at", "camera", "width", "height", "latitude", "longitude"),
    sqlite_autoincrement=True,
)

vectors = Table(
    "vectors",
    metadata,
    Column("picture_id", ForeignKey("pictures.id", ondelete="CASCADE"), primary_key=True),
    Column("encoder_id", ForeignKey("encoders.id", ondelete="CASCADE"), primary_key=True),
    Column("data", BLOB, nullable=False),  # little-endian float16, (1 + regions, dim), the whole first
)

# A file holds a picture, or the reason why it could not be read.
files = Table(
    "files",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("folder_id", ForeignKey("folders.id"), nullable=False),
    Column("directory", PathBytes, nullable=False),
    Column("name", PathBytes, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
    Column("ctime_ns", Integer, nullable=False),
    Column("picture_id", ForeignKey("pictures.id"), index=True),
    Column("failure", Text),
    Column("max_pixels", Integer),  # the limit under which it failed
    Column("device", Integer),  # the file system of its directory; NULL: indexed when this was not recorded
    UniqueConstraint("directory", "name"),
    Index("files_by_folder", "folder_id", "directory"),
    Index("files_by_directory", "directory", "picture_id"),  # to count a directory's pictures
    sqlite_autoincrement=True,
)


def open_database(path: Path, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> Engine:
    """An engine on the catalog at `path`; an empty or missing file is given its tables.

    Raises CosmosSearchError when the file is damaged, not ours, or from a newer version.
    """
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    try:
        with engine.connect() as connection:
            is_ready = _check(connection, path, 1 + len(migrations))
        if not is_ready:
            with engine.execution_options(write=True).begin() as connection:
                _prepare(connection, migrations)
    except DatabaseError as error:
        engine.dispose()
        if isinstance(error.orig, sqlite3.OperationalError) and "locked" in str(error.orig):
            raise
        raise CosmosSearchError(
            f"The index at {path.parent} is damaged ({error.orig}). Move it away and index again: "
            f"mv {quote(str(path.parent))} {quote(f'{path.parent}.damaged')} && cosmos-search index FOLDER"
        ) from error
    except CosmosSearchError:
        engine.dispose()
        raise
    return engine


def _configure(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions are begun by _begin, selects included
    connection.execute("PRAGMA journal_mode = WAL")  # readers and one writer side by side
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
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
            f"The index at {path.parent} was written by a newer cosmos-search; upgrade this one: "
            "pip install --upgrade cosmos-search"
        )
    return version == newest


def _prepare(connection: Connection, migrations: Sequence[Sequence[str]]) -> None:
    if _is_empty(connection):
        metadata.create_all(connection)
        connection.execute(settings.insert().values(generation=0))
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
