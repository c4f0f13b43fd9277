"""Migrations of SQLite catalogs from older versions, all in one transaction: an interrupted one starts again."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from sqlalchemy import Connection

from indexer.store.schema import FULL_TEXT
from indexer.store.texts import fill_texts

__all__ = ["MIGRATIONS", "Step", "migrate"]

Step: TypeAlias = str | Callable[[Connection], None]  # SQL, or a function
# MIGRATIONS[i] migrates version i + 1 to i + 2.
MIGRATIONS: Sequence[Sequence[Step]] = (
    ("ALTER TABLE encoders ADD COLUMN regions TEXT NOT NULL DEFAULT 'none'",),
    (
        "CREATE INDEX pictures_by_date ON pictures (taken_at, camera, width, height, latitude, longitude)",
        "CREATE INDEX files_by_directory ON files (directory, picture_id)",
    ),
    (
        "ALTER TABLE files ADD COLUMN device INTEGER",
        "ALTER TABLE folders ADD COLUMN exclude BLOB",
        "CREATE TABLE versions (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, version INTEGER NOT NULL UNIQUE)",
        "INSERT INTO versions (version) VALUES (abs(random() / 2))",
        "ALTER TABLE settings DROP COLUMN generation",
    ),
    (
        "ALTER TABLE files ADD COLUMN inodes TEXT",
        "CREATE TABLE failures (directory BLOB NOT NULL, name BLOB NOT NULL, folder_id INTEGER NOT NULL "
        "REFERENCES folders (id) ON DELETE CASCADE, reason TEXT NOT NULL, PRIMARY KEY (directory, name))",
        "DELETE FROM pictures WHERE id NOT IN (SELECT picture_id FROM files WHERE picture_id IS NOT NULL)",
        "INSERT INTO versions (version) VALUES (abs(random() / 2))",
    ),
    (
        "CREATE TABLE albums (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, search TEXT)",
        "CREATE TABLE album_pictures (album_id INTEGER NOT NULL REFERENCES albums (id) ON DELETE CASCADE, "
        "fingerprint BLOB NOT NULL, PRIMARY KEY (album_id, fingerprint))",
    ),
    (
        "CREATE TABLE texts (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, picture_id INTEGER NOT NULL "
        "REFERENCES pictures (id) ON DELETE CASCADE, kind TEXT NOT NULL, text TEXT NOT NULL, folded TEXT NOT NULL, "
        "words TEXT NOT NULL, box TEXT, confidence FLOAT)",
        "CREATE INDEX ix_texts_picture_id ON texts (picture_id)",
        "CREATE TABLE readings (picture_id INTEGER NOT NULL PRIMARY KEY REFERENCES pictures (id) ON DELETE CASCADE, "
        "reader TEXT NOT NULL)",
        fill_texts,
        *FULL_TEXT,
        "INSERT INTO text_parts (text_parts) VALUES ('rebuild')",  # twice as fast as by the triggers
        "INSERT INTO text_words (text_words) VALUES ('rebuild')",
    ),
    (  # SQLite can't drop UNIQUE (directory, name)
        "CREATE TABLE new_files (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "
        "folder_id INTEGER NOT NULL REFERENCES folders (id), directory BLOB NOT NULL, name BLOB NOT NULL, "
        "size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL, "
        "picture_id INTEGER REFERENCES pictures (id), failure TEXT, max_pixels INTEGER, device INTEGER, inodes TEXT, "
        "position_ms INTEGER)",
        "INSERT INTO new_files SELECT id, folder_id, directory, name, size_bytes, mtime_ns, ctime_ns, picture_id, "
        "failure, max_pixels, device, inodes, NULL FROM files",
        "DROP TABLE files",
        "ALTER TABLE new_files RENAME TO files",
        "CREATE UNIQUE INDEX files_by_name ON files (directory, name, coalesce(position_ms, 0))",
        "CREATE INDEX files_by_folder ON files (folder_id, directory)",
        "CREATE INDEX files_by_directory ON files (directory, picture_id)",
        "CREATE INDEX ix_files_picture_id ON files (picture_id)",
    ),
)


def migrate(connection: Connection, steps: Sequence[Step]) -> None:
    """Apply the steps in order."""
    for step in steps:
        if isinstance(step, str):
            connection.exec_driver_sql(step)
        else:
            step(connection)
