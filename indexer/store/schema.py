"""The tables of the catalog, and the migrations from older versions."""

from collections.abc import Sequence
from secrets import randbits

from sqlalchemy import (
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
)

from indexer.store.dialect import Integer64, PathBytes, PlainText

__all__ = [
    "APPLICATION_ID",
    "MIGRATIONS",
    "album_pictures",
    "albums",
    "encoders",
    "failures",
    "files",
    "folders",
    "metadata",
    "pictures",
    "settings",
    "vectors",
    "versions",
]

APPLICATION_ID = 0x434F534D  # "COSM", in the header of every catalog
# MIGRATIONS[i] is the SQL that migrates version i + 1 to i + 2.
MIGRATIONS: Sequence[Sequence[str]] = (
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
)

metadata = MetaData()


settings = Table(
    "settings",
    metadata,
    Column("current_encoder", ForeignKey("encoders.id")),  # of the vectors that searches use
)

# A random number for each commit that changed vectors, the newest last. Those before the last saved vector file are
# deleted. If the version of a vector file, or of vectors in memory, is not here, it was made from lost commits.
versions = Table(
    "versions",
    metadata,
    Column("id", Integer64, primary_key=True),
    Column("version", Integer64, nullable=False, unique=True, default=lambda: randbits(62)),
    sqlite_autoincrement=True,
)

encoders = Table(
    "encoders",
    metadata,
    Column("id", Integer64, primary_key=True),
    Column("name", PlainText, nullable=False),
    Column("version", PlainText, nullable=False),
    Column("dim", Integer, nullable=False),
    Column(
        "regions", PlainText, nullable=False, server_default="none"
    ),  # kind of pyramid, see indexer.pictures.regions
    sqlite_autoincrement=True,
)

folders = Table(
    "folders",
    metadata,
    Column("id", Integer64, primary_key=True),
    Column("path", PathBytes, nullable=False, unique=True),
    Column("exclude", LargeBinary),  # glob patterns, separated by NUL
)

# One row for each content: copies and moved files share it and its vectors.
pictures = Table(
    "pictures",
    metadata,
    Column("id", Integer64, primary_key=True),  # never reused, because vector files refer to it
    Column("fingerprint", LargeBinary, nullable=False, unique=True),
    Column("width", Integer64, nullable=False),
    Column("height", Integer64, nullable=False),
    Column("taken_at", DateTime),  # by the camera's clock, without a zone
    Column("latitude", Float),
    Column("longitude", Float),
    Column("camera", PlainText),
    Column("caption", PlainText),
    Column("keywords", PlainText),  # one per line
    # For browsing and counting. Has all columns that filters use, so that the table itself is not read.
    Index("pictures_by_date", "taken_at", "camera", "width", "height", "latitude", "longitude"),
    sqlite_autoincrement=True,
)

vectors = Table(
    "vectors",
    metadata,
    Column("picture_id", ForeignKey("pictures.id", ondelete="CASCADE"), primary_key=True),
    Column("encoder_id", ForeignKey("encoders.id", ondelete="CASCADE"), primary_key=True),
    Column("data", LargeBinary, nullable=False),  # little-endian float16, (1 + regions, dim), the global vector first
)

# A file has a picture, or the reason why it could not be read.
files = Table(
    "files",
    metadata,
    Column("id", Integer64, primary_key=True),
    Column("folder_id", ForeignKey("folders.id"), nullable=False),
    Column("directory", PathBytes, nullable=False),
    Column("name", PathBytes, nullable=False),
    Column("size_bytes", Integer64, nullable=False),
    Column("mtime_ns", Integer64, nullable=False),
    Column("ctime_ns", Integer64, nullable=False),
    Column("picture_id", ForeignKey("pictures.id"), index=True),
    Column("failure", PlainText),
    Column("max_pixels", Integer64),  # the limit under which it failed
    Column("device", Integer64),  # of its directory; NULL: indexed by a version that did not record it
    # The inodes of its directory and of those above it, up to the indexed folder; NULL: like device.
    Column("inodes", PlainText),
    UniqueConstraint("directory", "name"),
    Index("files_by_folder", "folder_id", "directory"),
    Index("files_by_directory", "directory", "picture_id"),  # for counting the pictures of a directory
    sqlite_autoincrement=True,
)

# What the last run could not access and has no failed row in `files`: directories, files that could not be examined,
# and indexed pictures that were temporarily unreadable.
failures = Table(
    "failures",
    metadata,
    Column("directory", PathBytes, primary_key=True),
    Column("name", PathBytes, primary_key=True),
    Column("folder_id", ForeignKey("folders.id", ondelete="CASCADE"), nullable=False),
    Column("reason", PlainText, nullable=False),
)

# See indexer.store.albums.
albums = Table(
    "albums",
    metadata,
    Column("id", Integer64, primary_key=True),
    Column("name", PlainText, nullable=False, unique=True),
    Column("search", PlainText),  # the address of a saved search; NULL: the album has pictures
    sqlite_autoincrement=True,
)

# By fingerprint, not by id: a picture may be removed from the index and indexed again.
album_pictures = Table(
    "album_pictures",
    metadata,
    Column("album_id", ForeignKey("albums.id", ondelete="CASCADE"), primary_key=True),
    Column("fingerprint", LargeBinary, primary_key=True),
)
