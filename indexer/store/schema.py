"""The tables of the catalog. See `indexer.store.migrations` for those of older versions."""

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
    or_,
    text,
)

from indexer.store.dialect import Integer64, PathBytes, PlainText

__all__ = [
    "APPLICATION_ID",
    "FILE_KEY",
    "FULL_TEXT",
    "IS_FIRST",
    "album_pictures",
    "albums",
    "encoders",
    "failures",
    "files",
    "folders",
    "metadata",
    "pictures",
    "readings",
    "settings",
    "texts",
    "vectors",
    "versions",
]

APPLICATION_ID = 0x434F534D  # "COSM", in the header of every catalog
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

# A row for each picture in a file. A file has one picture, or the frames of a video, the first of which is at 0; or it
# has one row with the reason why it could not be read.
FILE_KEY = ("directory", "name", text("coalesce(position_ms, 0)"))
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
    Column("position_ms", Integer64),  # of a frame in its video; NULL: a still image, or a file that was not read
    Index("files_by_name", *FILE_KEY, unique=True),
    Index("files_by_folder", "folder_id", "directory"),
    Index("files_by_directory", "directory", "picture_id"),  # for counting the pictures of a directory
    sqlite_autoincrement=True,
)
# The condition that one of the rows of each file meets. Its id is the file's, and stays if the pictures change.
IS_FIRST = or_(files.c.position_ms.is_(None), files.c.position_ms == 0)

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

# Texts in and around a picture. All but those read in it are derived from the rows above, in the same transactions.
texts = Table(
    "texts",
    metadata,
    Column("id", Integer64, primary_key=True),
    Column("picture_id", ForeignKey("pictures.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", PlainText, nullable=False),  # see indexer.store.records.TextKind
    Column("text", PlainText, nullable=False),
    Column("folded", PlainText, nullable=False),  # see indexer.store.words.fold_text
    Column("words", PlainText, nullable=False),  # of the folded text, separated by blanks
    Column("box", PlainText),  # "left top right bottom" of a line in the picture, as fractions
    Column("confidence", Float),  # of a line in the picture, 0..1
    sqlite_autoincrement=True,
)

# The pictures whose texts were read, and the name and version of the reader.
readings = Table(
    "readings",
    metadata,
    Column("picture_id", ForeignKey("pictures.id", ondelete="CASCADE"), primary_key=True),
    Column("reader", PlainText, nullable=False),
)

# SQLite's full-text indexes of `texts`, for parts of words and for words. They hold no texts themselves.
FULL_TEXT: Sequence[str] = (
    "CREATE VIRTUAL TABLE text_parts USING fts5(folded, content='texts', content_rowid='id', tokenize='trigram')",
    "CREATE VIRTUAL TABLE text_words USING fts5(words, content='texts', content_rowid='id', detail='none', "
    "prefix='1 2', tokenize=\"unicode61 remove_diacritics 0 categories 'L* N* M* Co'\")",
    "CREATE TRIGGER texts_added AFTER INSERT ON texts BEGIN "
    "INSERT INTO text_parts (rowid, folded) VALUES (new.id, new.folded); "
    "INSERT INTO text_words (rowid, words) VALUES (new.id, new.words); END",
    "CREATE TRIGGER texts_removed AFTER DELETE ON texts BEGIN "
    "INSERT INTO text_parts (text_parts, rowid, folded) VALUES ('delete', old.id, old.folded); "
    "INSERT INTO text_words (text_words, rowid, words) VALUES ('delete', old.id, old.words); END",
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
