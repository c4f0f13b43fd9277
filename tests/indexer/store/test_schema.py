import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from cosmos_search.cli.advice import add_advice
from indexer.errors import CosmosSearchError
from indexer.store.database import open_database
from indexer.store.schema import settings
from tests.older_catalogs import make_older


def test_a_new_catalog_is_empty_and_can_be_opened_again(tmp_path):
    for _ in range(2):
        engine = open_database(tmp_path / "catalog.db")
        with engine.begin() as connection:
            assert connection.execute(select(settings)).all() == [(None,)]
        engine.dispose()


def test_a_damaged_catalog_is_named_with_the_way_out(tmp_path):
    (tmp_path / "catalog.db").write_bytes(b"not a database" * 100)
    with pytest.raises(CosmosSearchError, match="damaged") as caught:
        open_database(tmp_path / "catalog.db")
    assert f"mv {tmp_path} {tmp_path}.damaged" in add_advice(caught.value)


def test_another_programs_database_is_left_alone(tmp_path):
    path = tmp_path / "catalog.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(CosmosSearchError, match="another program"):
        open_database(path)
    assert "theirs" in str(sqlite3.connect(path).execute("SELECT name FROM sqlite_master").fetchall())
    assert len(before) == path.stat().st_size


def test_an_older_catalog_is_migrated_once(tmp_path):
    path = tmp_path / "catalog.db"
    open_database(path, migrations=()).dispose()
    step = ["ALTER TABLE settings ADD COLUMN mood TEXT", "UPDATE settings SET mood = 'good'"]
    for _ in range(2):
        engine = open_database(path, migrations=[step])
        with engine.begin() as connection:
            assert connection.exec_driver_sql("SELECT mood FROM settings").scalar_one() == "good"
        engine.dispose()


def test_a_migration_that_fails_changes_nothing(tmp_path):
    path = tmp_path / "catalog.db"
    open_database(path, migrations=()).dispose()
    with pytest.raises(OperationalError, match="syntax error"):
        open_database(path, migrations=[["ALTER TABLE settings ADD COLUMN mood TEXT", "nonsense"]])
    open_database(path, migrations=[["ALTER TABLE settings ADD COLUMN mood TEXT"]]).dispose()


def test_a_newer_catalog_is_refused(tmp_path):
    path = tmp_path / "catalog.db"
    open_database(path, migrations=[["SELECT 1"]]).dispose()
    with pytest.raises(CosmosSearchError, match="newer cosmos-search"):
        open_database(path, migrations=())


def test_a_migrated_catalog_has_the_indexes_of_a_new_one(tmp_path):
    def indexes(path):
        with closing(sqlite3.connect(path)) as connection:
            return set(connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'"))

    path = tmp_path / "catalog.db"
    open_database(path).dispose()
    of_a_new_one = indexes(path)
    make_older(path, 2)
    open_database(path).dispose()
    assert indexes(path) == of_a_new_one
