"""Read the catalog: folders, files, pictures and vectors, within one transaction."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, String, and_, cast, func, select

from indexer.pictures.metadata_record import Metadata
from indexer.store.albums import Album, find_albums, list_albums
from indexer.store.facets import Facets, count_facets
from indexer.store.failures import read_failures
from indexer.store.filter_record import Filters
from indexer.store.filters import count_matching, find_matching, find_newest
from indexer.store.places import PicturePlace, has_places, read_places
from indexer.store.records import (
    EncoderRecord,
    FailedFile,
    Folder,
    IndexedDirectory,
    KnownFile,
    PictureFacts,
    PictureRecord,
    TextLine,
)
from indexer.store.rows import read_ids, split_ids, unpack_rows
from indexer.store.schema import (
    IS_FIRST,
    encoders,
    failures,
    files,
    folders,
    pictures,
    readings,
    settings,
    texts,
    vectors,
    versions,
)
from indexer.store.shapes import PictureShape, read_newest_shapes
from indexer.store.texts import WordMatches, count_unread, find_unread, find_word, read_texts

__all__ = ["Catalog"]


class Catalog:
    """The queries of one transaction. See `indexer.store.catalog_writer` for changes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """The connection of this transaction, for other queries in it."""
        return self._connection

    # version and encoder

    def version(self) -> int:
        """A random number that changes with every change of the vectors."""
        query = select(versions.c.version).order_by(versions.c.id.desc()).limit(1)
        return int(self._connection.execute(query).scalar_one())

    def descends_from(self, version: int) -> bool:
        """True if that version is an earlier one of this catalog. False if its commits were lost."""
        query = select(versions.c.id).where(versions.c.version == version)
        return self._connection.execute(query).first() is not None

    def encoder(self) -> EncoderRecord | None:
        """The encoder of the vectors that searches use; None in a new index."""
        query = select(encoders).join(settings, settings.c.current_encoder == encoders.c.id)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else EncoderRecord(*row)

    # folders and files

    def folders(self) -> list[Folder]:
        """The indexed folders with their counts, sorted by path."""
        unread = select(func.count()).where(failures.c.folder_id == folders.c.id).scalar_subquery()
        query = (
            select(folders, func.count(files.c.picture_id), func.count(files.c.failure) + unread)
            .outerjoin(files, and_(files.c.folder_id == folders.c.id, IS_FIRST))
            .group_by(folders.c.id)
            .order_by(folders.c.path)
        )
        rows = self._connection.execute(query)
        return [Folder(id_, path, n, failed, _split_patterns(exclude)) for id_, path, exclude, n, failed in rows]

    def files_in(self, directory: Path, encoder_id: int) -> dict[Path, KnownFile]:
        """The indexed files of one directory by path, without those below it. encoder_id: for `has_vector`."""
        has_vector = and_(vectors.c.picture_id == files.c.picture_id, vectors.c.encoder_id == encoder_id)
        query = (
            select(files, pictures.c.fingerprint, vectors.c.encoder_id.is_not(None).label("has_vector"))
            .select_from(files.outerjoin(pictures).outerjoin(vectors, has_vector))
            .where(files.c.directory == directory, IS_FIRST)
        )
        return {
            directory / row.name: KnownFile(
                id=row.id,
                size_bytes=row.size_bytes,
                mtime_ns=row.mtime_ns,
                ctime_ns=row.ctime_ns,
                fingerprint=row.fingerprint,
                max_pixels=row.max_pixels,
                device=row.device,
                inodes=row.inodes,
                has_vector=bool(row.has_vector),
            )
            for row in self._connection.execute(query)
        }

    def devices(self) -> list[tuple[Path, int | None]]:
        """The directories of all files, each with every device that it had when a file of it was indexed."""
        columns = (files.c.directory, files.c.device)
        return [(directory, device) for directory, device in self._connection.execute(select(*columns).distinct())]

    def directories(self, folder_id: int) -> list[IndexedDirectory]:
        """The directories of a folder's files, once for each device and inodes that they had."""
        columns = (files.c.directory, files.c.device, files.c.inodes)
        joined = func.aggregate_strings(cast(files.c.id, String), ",")
        query = select(*columns, joined).where(files.c.folder_id == folder_id, IS_FIRST)
        rows = self._connection.execute(query.group_by(*columns))
        return [
            IndexedDirectory(path, device, inodes, [int(i) for i in ids.split(",")])
            for path, device, inodes, ids in rows
        ]

    def last_file_id(self) -> int:
        """The highest id of a row of a file; files added later have higher ones."""
        return self._connection.execute(select(func.max(files.c.id))).scalar() or 0

    def count_files_after(self, file_id: int, *, is_readable: bool = False) -> int:
        """The number of files with higher ids, which were added later. is_readable: without failed ones."""
        query = select(func.count()).select_from(files).where(files.c.id > file_id, IS_FIRST)
        return self._connection.execute(query.where(files.c.failure.is_(None)) if is_readable else query).scalar_one()

    def failures(self) -> list[FailedFile]:
        """The files and directories that could not be read, sorted by path."""
        return read_failures(self._connection)

    # pictures

    def n_pictures(self) -> int:
        """The number of pictures; files with the same content count once."""
        return self._connection.execute(select(func.count()).select_from(pictures)).scalar_one()

    def pictures(self, ids: Sequence[int]) -> dict[int, PictureRecord]:
        """The records of these pictures by id; ids that do not exist are left out."""
        paths: dict[int, list[Path]] = {}
        rows: dict[int, Row[tuple[Any, ...]]] = {}
        for chunk in split_ids(ids):
            file_name = files.c.name.label("file_name")
            query = select(pictures, files.c.directory, file_name, files.c.position_ms).join(files)
            query = query.where(pictures.c.id.in_(chunk)).order_by(files.c.directory, files.c.name)
            for row in self._connection.execute(query):
                rows[row.id] = row
                paths.setdefault(row.id, []).append(row.directory / row.file_name)
        return {
            i: PictureRecord(i, row.fingerprint.hex(), tuple(paths[i]), _make_facts(row), row.position_ms)
            for i, row in rows.items()
        }

    def sizes(self, ids: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Width and height of these pictures in pixels, by id."""
        query = select(pictures.c.id, pictures.c.width, pictures.c.height)
        rows = (self._connection.execute(query.where(pictures.c.id.in_(chunk))) for chunk in split_ids(ids))
        return {row.id: (row.width, row.height) for chunk in rows for row in chunk}

    def fingerprints(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The fingerprints of these pictures, by id."""
        query = select(pictures.c.id, pictures.c.fingerprint)
        rows = (self._connection.execute(query.where(pictures.c.id.in_(chunk))) for chunk in split_ids(ids))
        return {row.id: row.fingerprint for chunk in rows for row in chunk}

    def matching(self, filters: Filters) -> NDArray[np.int64] | None:
        """The ids of the pictures that pass the filters, ascending: (n,). None: all pictures."""
        return find_matching(self._connection, filters)

    def n_matching(self, filters: Filters) -> int:
        """The number of pictures that pass the filters."""
        return count_matching(self._connection, filters)

    def newest(self, filters: Filters, start: int, n: int) -> list[PictureRecord]:
        """`n` pictures that pass, from the `start`-th (0 is the first), newest first, undated ones last."""
        ids = find_newest(self._connection, filters, start, n)
        found = self.pictures(ids)
        return [found[i] for i in ids if i in found]

    def newest_shapes(self, filters: Filters, n: int) -> list[PictureShape]:
        """The sizes and dates of at most `n` pictures that pass, in the order of `newest`."""
        return read_newest_shapes(self._connection, filters, n)

    def places(self) -> list[PicturePlace]:
        """The places of all pictures that have one, newest picture first."""
        return read_places(self._connection)

    def has_places(self) -> bool:
        """True if a picture has a place."""
        return has_places(self._connection)

    def keywords(self, n: int) -> list[str]:
        """The `n` most frequent keywords of pictures."""
        query = select(pictures.c.keywords).where(pictures.c.keywords.is_not(None))
        counts = Counter(word for text in self._connection.execute(query).scalars() for word in text.split("\n"))
        return [word for word, _ in counts.most_common(n)]

    def albums(self) -> list[Album]:
        """All albums by name, the favourites first."""
        return list_albums(self._connection)

    def albums_of(self, picture_id: int) -> list[int]:
        """The ids of the albums that have this picture."""
        return find_albums(self._connection, picture_id)

    def facets(self, filters: Filters) -> Facets:
        """The number of pictures for each value of each filter, see `indexer.store.facets`."""
        return count_facets(self._connection, filters)

    # texts

    def texts_of(self, ids: Sequence[int]) -> dict[int, list[TextLine]]:
        """The texts in and around these pictures, by id."""
        return read_texts(self._connection, ids)

    def last_text_id(self) -> int:
        """The highest id of a text; it rises if texts change. Those of pictures that were removed do not count."""
        return self._connection.execute(select(func.max(texts.c.id))).scalar() or 0

    def find_word(self, word: str, limit: int) -> WordMatches | None:
        """The pictures in whose texts a word stands; None: in more than `limit` texts. See `indexer.store.texts`."""
        return find_word(self._connection, word, limit)

    def find_unread(self, reader: str, after: int, n: int) -> list[int]:
        """The first `n` pictures with ids above `after` whose texts this reader has not read."""
        return find_unread(self._connection, reader, after, n)

    def count_unread(self, reader: str) -> int:
        """The number of pictures whose texts this reader has not read."""
        return count_unread(self._connection, reader)

    def count_read(self) -> int:
        """The number of pictures whose texts were read, with any reader."""
        return self._connection.execute(select(func.count()).select_from(readings)).scalar_one()

    # vectors

    def has_vector(self, fingerprint: bytes, encoder_id: int) -> bool:
        """True if there is a picture with this content and a vector of this encoder."""
        query = select(vectors.c.picture_id).join(pictures).where(pictures.c.fingerprint == fingerprint)
        return self._connection.execute(query.where(vectors.c.encoder_id == encoder_id)).first() is not None

    def vector_ids(self, encoder_id: int) -> NDArray[np.int64]:
        """The ids of the pictures that have vectors, ascending: (n,)."""
        return read_ids(self._connection, vectors.c.picture_id, vectors.c.encoder_id == encoder_id)

    def vectors_of(
        self, ids: Sequence[int], encoder: EncoderRecord
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """All vectors of these pictures, in chunks of some thousand pictures: the picture's id for each row, the rows.

        The rows (n, dim) of one picture are adjacent: its global vector, then those of its regions.
        """
        for chunk in split_ids(ids):
            query = select(vectors.c.picture_id, vectors.c.data)
            query = query.where(vectors.c.encoder_id == encoder.id, vectors.c.picture_id.in_(chunk))
            query = query.order_by(vectors.c.picture_id)
            rows = self._connection.execute(query).all()
            counts = [len(row.data) // (2 * encoder.dim) for row in rows]
            data = unpack_rows([row.data for row in rows], encoder.dim)
            yield np.repeat(np.array([row.picture_id for row in rows], dtype=np.int64), counts), data

    def global_vectors_of(
        self, ids: Sequence[int], encoder: EncoderRecord
    ) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
        """The global vectors of these pictures, ascending by id: the ids (n,) and the vectors (n, dim)."""
        first_row = func.substr(vectors.c.data, 1, 2 * encoder.dim)
        query = select(vectors.c.picture_id, first_row).where(vectors.c.encoder_id == encoder.id)
        chunks = (query.where(vectors.c.picture_id.in_(chunk)) for chunk in split_ids(sorted(ids)))
        rows = [row for query in chunks for row in self._connection.execute(query.order_by(vectors.c.picture_id))]
        return np.array([id_ for id_, _ in rows], dtype=np.int64), unpack_rows([data for _, data in rows], encoder.dim)


def _split_patterns(joined: bytes | None) -> tuple[str, ...]:
    return tuple(os.fsdecode(joined).split("\0")) if joined else ()


def _make_facts(row: Row[tuple[object, ...]]) -> PictureFacts:
    keywords = tuple(row.keywords.split("\n")) if row.keywords else ()
    metadata = Metadata(row.taken_at, row.latitude, row.longitude, row.camera, row.caption, keywords)
    return PictureFacts(row.width, row.height, metadata)
