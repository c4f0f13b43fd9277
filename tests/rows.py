"""The rows of an index's database, read and changed behind its back: in SQLite or on a PostgreSQL server."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg

__all__ = ["delete_index", "refuse_rows", "run_sql"]


def run_sql(place, statement):
    """The rows of a statement, which is committed."""
    if isinstance(place, Path):
        with closing(sqlite3.connect(place / "catalog.db")) as connection, connection:
            return connection.execute(statement).fetchall()
    with psycopg.connect(place.url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def delete_index(place):
    """Delete an index as an administrator does: the directory, or the schema's tables."""
    if isinstance(place, Path):
        shutil.rmtree(place)
        return
    ((schema,),) = run_sql(place, "SELECT current_schema()")
    run_sql(place, f"DROP SCHEMA {schema} CASCADE")
    run_sql(place, f"CREATE SCHEMA {schema}")


def refuse_rows(place, table, condition):
    """Make the database refuse new rows of a table that meet a condition in SQL, with the message "odd"."""
    if isinstance(place, Path):
        odd = f"CREATE TRIGGER odd BEFORE INSERT ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, 'odd'); END"
        run_sql(place, odd)
        return
    check = f"IF {condition.replace('BLOB', 'bytea')} THEN RAISE check_violation USING message = 'odd'; END IF"
    body = f"BEGIN {check}; RETURN NEW; END"
    run_sql(place, f"CREATE FUNCTION refuse_odd() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
    run_sql(place, f"CREATE TRIGGER odd BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_odd()")
