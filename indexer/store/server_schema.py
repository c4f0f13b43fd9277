"""The tables of a catalog on a PostgreSQL server: their creation and their migrations."""

import logging
from collections.abc import Sequence
from uuid import uuid4

from sqlalchemy import Column, Connection, Integer, Table, Uuid, func, select, text
from sqlalchemy.exc import DBAPIError

from indexer.places import ServerPlace
from indexer.store.change_log import CHANGE_LOG, CREATE_TABLES, TEXT_LOG
from indexer.store.dialect import server_metadata
from indexer.store.errors import CreateIndexError
from indexer.store.geo import EARTH_KM
from indexer.store.migrations import Step, migrate
from indexer.store.schema import APPLICATION_ID, metadata, settings, versions
from indexer.store.texts import fill_texts

__all__ = ["SERVER_MIGRATIONS", "about", "prepare_tables", "read_version"]

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


def read_version(connection: Connection) -> int | None:
    """The version of the tables; None if there are none."""
    return connection.execute(select(about.c.schema_version)).scalar() if _is_there(connection) else None


def prepare_tables(connection: Connection, place: ServerPlace, migrations: Sequence[Sequence[Step]]) -> None:
    """Create the tables, or apply the missing migrations, unless another process did meanwhile.

    Raises CreateIndexError if they can't be created in this database.
    """
    connection.execute(select(func.pg_advisory_xact_lock(APPLICATION_ID)))
    version, newest = read_version(connection), 1 + len(migrations)
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


def _is_there(connection: Connection) -> bool:
    """True if there are tables. Reading pg_class makes the server look again for what it did not find before."""
    found = select(func.count()).select_from(text("pg_class")).where(text("oid = to_regclass(:name)"))
    return bool(connection.execute(found, {"name": about.name}).scalar_one())


def _check_database(connection: Connection, place: ServerPlace) -> None:
    """Raise CreateIndexError if the catalog's tables can't be created in this database."""
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise CreateIndexError(place, f"the database's encoding is {encoding}, not UTF8")
    for table in metadata.sorted_tables:
        if connection.execute(select(func.to_regclass(table.name).is_not(None))).scalar_one():
            raise CreateIndexError(place, f"the database has tables of another program ({table.name})")
