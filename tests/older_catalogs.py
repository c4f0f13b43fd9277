"""Catalogs as earlier versions made them, from those of this version."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from tests.rows import run_sql

UNDO: Mapping[int, str] = {  # version -> the SQL that leads from it to the one before
    8: "CREATE TABLE old_files (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "
    "folder_id INTEGER NOT NULL REFERENCES folders (id), directory BLOB NOT NULL, name BLOB NOT NULL, "
    "size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL, "
    "picture_id INTEGER REFERENCES pictures (id), failure TEXT, max_pixels INTEGER, device INTEGER, inodes TEXT, "
    "UNIQUE (directory, name)); INSERT INTO old_files SELECT id, folder_id, directory, name, size_bytes, mtime_ns, "
    "ctime_ns, picture_id, failure, max_pixels, device, inodes FROM files; DROP TABLE files; "
    "ALTER TABLE old_files RENAME TO files; CREATE INDEX files_by_folder ON files (folder_id, directory); "
    "CREATE INDEX files_by_directory ON files (directory, picture_id); "
    "CREATE INDEX ix_files_picture_id ON files (picture_id);",
    7: "DROP TABLE text_parts; DROP TABLE text_words; DROP TABLE texts; DROP TABLE readings;",
    6: "DROP TABLE album_pictures; DROP TABLE albums;",
    5: "ALTER TABLE files DROP COLUMN inodes; DROP TABLE failures;",
    4: "ALTER TABLE files DROP COLUMN device; ALTER TABLE folders DROP COLUMN exclude; DROP TABLE versions; "
    "ALTER TABLE settings ADD COLUMN generation INTEGER NOT NULL DEFAULT 7;",
    3: "DROP INDEX pictures_by_date; DROP INDEX files_by_directory;",
}
UNDO_SERVER: Mapping[int, tuple[str, ...]] = {
    5: ("ALTER TABLE files DROP COLUMN position_ms", "ALTER TABLE files ADD UNIQUE (directory, name)"),
    4: ("DROP TABLE texts, readings", "DROP FUNCTION touch_texts_insert(), touch_readings_insert()"),
    3: ("DROP TABLE album_pictures, albums",),
}


def make_older(catalog: Path, version: int) -> None:
    """Give a catalog in a directory the tables of an earlier version."""
    undone = "".join(sql for newer, sql in UNDO.items() if newer > version)
    with closing(sqlite3.connect(catalog)) as connection:
        connection.executescript(f"{undone} PRAGMA user_version = {version}")


def make_older_on_server(place, version: int) -> None:
    """Give a catalog on a server the tables of an earlier version."""
    for statement in (one for newer, sql in UNDO_SERVER.items() if newer > version for one in sql):
        run_sql(place, statement)
    run_sql(place, f"UPDATE cosmos_search SET schema_version = {version}")
