"""The log of changed pictures in a server's catalog, which copies of it follow. Triggers of the database write it.

Each transaction that changes pictures, vectors or files gets a row in `changes` and one in `touched` for each of the
pictures. Changes are numbered in the order of the commits: the number is taken at the end of the transaction, under a
lock that is held until the commit. (Ids of pictures are not in that order: a smaller one may be committed later.)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, Index, Table, delete, func, select

from indexer.store.dialect import VERSIONS_LOCK, server_metadata

__all__ = [
    "CHANGE_LOG",
    "CREATE_TABLES",
    "TEXT_LOG",
    "Position",
    "drop_old_changes",
    "has_position",
    "newest_position",
    "read_changes",
]

N_CHANGES = 100_000  # are kept; a copy that has missed more starts again
AT_ONCE = 200  # changes that are read

# One row for each transaction; `batch` is known from its first statement on, `id` when it is committed.
changes = Table(
    "changes",
    server_metadata,
    Column("batch", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, unique=True),
    Column("mark", BigInteger, nullable=False, server_default=func.floor(func.random() * 2**52)),
)

touched = Table(
    "touched",
    server_metadata,
    Column("batch", BigInteger, nullable=False),
    Column("picture_id", BigInteger, nullable=False),
    Index("touched_by_batch", "batch", "picture_id"),
)

# The tables as SQL, for catalogs that were made without them.
CREATE_TABLES = (
    "CREATE TABLE changes (batch BIGINT PRIMARY KEY, id BIGINT UNIQUE, "
    "mark BIGINT DEFAULT floor(random() * 4503599627370496) NOT NULL)",
    "CREATE TABLE touched (batch BIGINT NOT NULL, picture_id BIGINT NOT NULL)",
    "CREATE INDEX touched_by_batch ON touched (batch, picture_id)",
)

FUNCTION = "CREATE FUNCTION {} LANGUAGE plpgsql SET search_path FROM CURRENT AS $$ {} $$"
BATCH = """
DECLARE found bigint := nullif(current_setting('cosmos_search.batch', true), '');
BEGIN
  IF found IS NULL THEN
    found := nextval('batches');
    PERFORM set_config('cosmos_search.batch', found::text, true);
    INSERT INTO changes (batch) VALUES (found);
  END IF;
  RETURN found;
END"""
NUMBER = f"""
BEGIN
  PERFORM pg_advisory_xact_lock({VERSIONS_LOCK});
  UPDATE changes SET id = nextval('change_ids') WHERE batch = NEW.batch;
  RETURN NULL;
END"""
# A change of other columns, such as the device of a file, is none for copies.
FILES_UPDATED = """
old_rows o JOIN new_rows n USING (id), LATERAL (VALUES (o.picture_id), (n.picture_id)) AS p (picture_id)
WHERE (o.picture_id, o.directory, o.name) IS DISTINCT FROM (n.picture_id, n.directory, n.name)
AND p.picture_id IS NOT NULL"""
OLD, NEW = "OLD TABLE AS old_rows", "NEW TABLE AS new_rows"
TRIGGERS = (  # table, event, tables of the rows before and after it, column, source of the pictures
    ("vectors", "insert", NEW, "picture_id", "new_rows"),
    ("files", "insert", NEW, "picture_id", "new_rows WHERE picture_id IS NOT NULL"),
    ("files", "update", f"{OLD} {NEW}", "p.picture_id", FILES_UPDATED),
    ("files", "delete", OLD, "picture_id", "old_rows WHERE picture_id IS NOT NULL"),
    ("pictures", "delete", OLD, "id", "old_rows"),  # its vectors are deleted with it
)
TEXT_TRIGGERS = (
    ("texts", "insert", NEW, "picture_id", "new_rows"),  # also where a file has another folder only
    ("readings", "insert", NEW, "picture_id", "new_rows"),  # also of pictures in which no texts were found any more
)


def _create_triggers(triggers: Sequence[tuple[str, str, str, str, str]]) -> Iterator[str]:
    """The SQL that creates them."""
    for table, event, rows, column, source in triggers:
        yield FUNCTION.format(
            f"touch_{table}_{event}() RETURNS trigger",
            f"BEGIN INSERT INTO touched SELECT current_batch(), id FROM (SELECT DISTINCT {column} AS id "
            f"FROM {source}) AS changed; RETURN NULL; END",
        )
        yield (
            f"CREATE TRIGGER touch_{event} AFTER {event} ON {table} REFERENCING {rows} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION touch_{table}_{event}()"
        )


CHANGE_LOG = (
    "CREATE SEQUENCE batches",
    "CREATE SEQUENCE change_ids",
    "INSERT INTO changes (batch, id) VALUES (0, 0)",
    FUNCTION.format("current_batch() RETURNS bigint", BATCH),
    FUNCTION.format("number_change() RETURNS trigger", NUMBER),
    "CREATE CONSTRAINT TRIGGER number_change AFTER INSERT ON changes DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW WHEN (NEW.id IS NULL) EXECUTE FUNCTION number_change()",
    *_create_triggers(TRIGGERS),
)
TEXT_LOG = tuple(_create_triggers(TEXT_TRIGGERS))  # a later version's


@dataclass(frozen=True, slots=True)
class Position:
    """The last change that a copy has followed."""

    change_id: int
    mark: int  # random: tells a change from that of the same number in a catalog that was restored from a backup


def newest_position(connection: Connection) -> Position:
    """The position after all changes of this snapshot."""
    query = select(changes.c.id, changes.c.mark).where(changes.c.id.is_not(None)).order_by(changes.c.id.desc())
    return Position(*connection.execute(query.limit(1)).one())


def has_position(connection: Connection, position: Position) -> bool:
    """False if the log does not reach back to this position, or if it is not of this catalog."""
    query = select(changes.c.mark).where(changes.c.id == position.change_id)
    return connection.execute(query).scalar() == position.mark


def read_changes(
    connection: Connection, position: Position, number: int, n_shards: int
) -> tuple[Position, list[int]] | None:
    """The position after the next changes, and their pictures with `id % n_shards == number`; None: no changes."""
    query = select(changes.c.id, changes.c.mark, changes.c.batch).where(changes.c.id > position.change_id)
    rows = connection.execute(query.order_by(changes.c.id).limit(AT_ONCE)).all()
    if not rows:
        return None
    ids = select(touched.c.picture_id).distinct().where(touched.c.batch.in_([row.batch for row in rows]))
    found = connection.execute(ids.where(touched.c.picture_id % n_shards == number)).scalars()
    return Position(rows[-1].id, rows[-1].mark), sorted(found)


def drop_old_changes(connection: Connection, n_kept: int = N_CHANGES) -> None:
    """Delete changes that few copies have not followed yet."""
    last = select(func.max(changes.c.id)).scalar_subquery() - n_kept
    old = select(changes.c.batch).where(changes.c.id <= last)
    connection.execute(delete(touched).where(touched.c.batch.in_(old)))
    connection.execute(delete(changes).where(changes.c.id <= last))
