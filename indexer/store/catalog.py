"""The catalog: which folders, files and pictures there are, and their vectors, seen through one transaction."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from indexer.errors import CosmosSearchError
from indexer.pictures.metadata import Metadata
from indexer.store.facets import Facets, count_facets
from indexer.store.failures import read_failures, record_failures
from indexer.store.filters import Filters, count_matching, matching, newest
from indexer.store.records import EncoderRecord, FailedFile, Folder, IndexedFile, KnownFile, PictureFacts, PictureRecord
from indexer.store.rows import unpack_rows
from indexer.store.schema import encoders, failures, files, folders, pictures, settings, vectors, versions

__all__ = ["Catalog"]

CHUNK = 10_000  # values in one IN (...), well under SQLite's limit of 32,766


class Catalog:
    """Questions and changes within the transaction of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # encoders

    def version(self) -> int:
        """A random number, another one after every change of the vectors."""
        query = select(versions.c.version).order_by(versions.c.id.desc()).limit(1)
        return int(self._connection.execute(query).scalar_one())

    def descends_from(self, version: int) -> bool:
        """True if this catalog came from that version by commits that it still has."""
        query = select(versions.c.id).where(versions.c.version == version)
        return self._connection.execute(query).first() is not None

    def drop_old_versions(self) -> None:
        """Keep the newest only: called when a FAISS file of it has been saved."""
        newest_id = select(func.max(versions.c.id)).scalar_subquery()
        self._connection.execute(delete(versions).where(versions.c.id < newest_id))

    def encoder(self) -> EncoderRecord | None:
        """The encoder that searches use; None in an index that holds nothing yet."""
        query = select(encoders).join(settings, settings.c.current_encoder == encoders.c.id)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else EncoderRecord(*row)

    def add_encoder(self, name: str, version: str, dim: int, regions: str) -> EncoderRecord:
        """A second set of vectors beside the current one; an unfinished set of the same encoder goes on."""
        current = self.encoder()
        same = (encoders.c.name == name, encoders.c.version == version, encoders.c.regions == regions)
        query = select(encoders).where(*same)
        if current is not None:
            query = query.where(encoders.c.id != current.id)
        row = self._connection.execute(query).first()
        if row is not None:
            return EncoderRecord(*row)
        values = {"name": name, "version": version, "dim": dim, "regions": regions}
        id_ = self._connection.execute(insert(encoders).values(values).returning(encoders.c.id)).scalar_one()
        return EncoderRecord(id_, name, version, dim, regions)

    def switch_to(self, encoder: EncoderRecord) -> None:
        """Searches use this encoder from now on; the vectors of all others are dropped."""
        self._connection.execute(update(settings).values(current_encoder=encoder.id))
        self._connection.execute(delete(encoders).where(encoders.c.id != encoder.id))
        self._touch()

    # folders

    def folders(self) -> list[Folder]:
        """Every indexed folder with its counts, by path."""
        unread = select(func.count()).where(failures.c.folder_id == folders.c.id).scalar_subquery()
        query = (
            select(folders, func.count(files.c.picture_id), func.count(files.c.failure) + unread)
            .outerjoin(files)
            .group_by(folders.c.id)
            .order_by(folders.c.path)
        )
        rows = self._connection.execute(query)
        return [Folder(id_, path, n, failed, _patterns(exclude)) for id_, path, exclude, n, failed in rows]

    def add_folder(self, path: Path) -> int:
        """The id of the indexed folder at `path`; indexed folders inside it become part of it, with their patterns."""
        parts = [f for f in self.folders() if path in f.path.parents]
        inner = [f.id for f in parts]
        self._connection.execute(upsert(folders).values(path=path).on_conflict_do_nothing())
        folder_id = self._connection.execute(select(folders.c.id).where(folders.c.path == path)).scalar_one()
        self._connection.execute(update(files).where(files.c.folder_id.in_(inner)).values(folder_id=folder_id))
        self._connection.execute(update(failures).where(failures.c.folder_id.in_(inner)).values(folder_id=folder_id))
        self._connection.execute(delete(folders).where(folders.c.id.in_(inner)))
        if parts:
            self.exclude(folder_id, [pattern for f in parts for pattern in f.exclude])
        return int(folder_id)

    def exclude(self, folder_id: int, patterns: Iterable[str]) -> None:
        """What is left out of a folder from now on."""
        joined = os.fsencode("\0".join(dict.fromkeys(patterns)))
        self._connection.execute(update(folders).where(folders.c.id == folder_id).values(exclude=joined))

    def remove_folder(self, path: Path) -> int:
        """Forget a folder; returns how many files it had. Raises CosmosSearchError if it isn't indexed."""
        folder_id = self._connection.execute(select(folders.c.id).where(folders.c.path == path)).scalar()
        if folder_id is None:
            raise CosmosSearchError(f"{path} is not an indexed folder; see which are: cosmos-search info")
        n_files = self._connection.execute(delete(files).where(files.c.folder_id == folder_id)).rowcount
        self._connection.execute(delete(folders).where(folders.c.id == folder_id))
        self.drop_orphans()
        return n_files

    # files

    def known_files(self, directory: Path, encoder_id: int) -> dict[Path, KnownFile]:
        """The files of one directory, by path."""
        has_vector = and_(vectors.c.picture_id == files.c.picture_id, vectors.c.encoder_id == encoder_id)
        query = (
            select(files, pictures.c.fingerprint, vectors.c.encoder_id.is_not(None).label("has_vector"))
            .select_from(files.outerjoin(pictures).outerjoin(vectors, has_vector))
            .where(files.c.directory == directory)
        )
        return {directory / row.name: _known_file(row) for row in self._connection.execute(query)}

    def devices(self) -> list[tuple[Path, int | None]]:
        """Every directory that holds files, with the device that it was on; more than once where that changed."""
        columns = (files.c.directory, files.c.device)
        return [(directory, device) for directory, device in self._connection.execute(select(*columns).distinct())]

    def directories(self, folder_id: int) -> list[tuple[Path, int | None, str | None, list[int]]]:
        """Every directory of a folder that holds files, with its device, inodes and the files' ids."""
        columns = (files.c.directory, files.c.device, files.c.inodes)
        query = select(*columns, func.group_concat(files.c.id)).where(files.c.folder_id == folder_id)
        rows = self._connection.execute(query.group_by(*columns))
        return [(row[0], row[1], row[2], [int(i) for i in row[3].split(",")]) for row in rows]

    def set_device(self, ids: Sequence[int], device: int, inodes: str | None = None) -> None:
        """The directories of these files are on this device now; None: their inodes are as before."""
        values = {"device": device} if inodes is None else {"device": device, "inodes": inodes}
        for chunk in _chunks(ids):
            self._connection.execute(update(files).where(files.c.id.in_(chunk)).values(values))

    def last_file_id(self) -> int:
        """Files with a higher id were added later."""
        return self._connection.execute(select(func.max(files.c.id))).scalar() or 0

    def moved(self, vanished: Sequence[int], last_file_id: int) -> set[int]:
        """Those of the vanished files whose picture a file added since shows too: as many as were added."""
        pictures_of = self._pictures_of(vanished)
        n_new = self._count_files(pictures_of.values(), files.c.id > last_file_id)
        moved = set()
        for file_id, picture_id in pictures_of.items():
            if n_new[picture_id]:
                n_new[picture_id] -= 1
                moved.add(file_id)
        return moved

    def last_of(self, ids: Sequence[int]) -> set[int]:
        """Those of these files whose picture no other file shows."""
        pictures_of = self._pictures_of(ids)
        n_all, n_these = self._count_files(pictures_of.values()), Counter(pictures_of.values())
        return {id_ for id_, picture_id in pictures_of.items() if n_these[picture_id] == n_all[picture_id]}

    def delete_files(self, ids: Sequence[int]) -> None:
        """Forget these files, and the pictures that no file shows any more."""
        for chunk in _chunks(ids):
            self._connection.execute(delete(files).where(files.c.id.in_(chunk)))
        self.drop_orphans()

    def drop_orphans(self, *which: ColumnElement[bool]) -> None:
        """Forget pictures that no file shows, and their vectors; which: only among these."""
        orphans = ~exists().where(files.c.picture_id == pictures.c.id)
        if self._connection.execute(delete(pictures).where(*which, orphans)).rowcount:
            self._touch()

    def failures(self) -> list[FailedFile]:
        """Every file and directory that could not be read, by path."""
        return read_failures(self._connection)

    def record_failures(self, folder_id: int, failed: Sequence[FailedFile], replace: Path | None) -> None:
        """What a run could not look at. See `indexer.store.failures.record_failures`."""
        record_failures(self._connection, folder_id, failed, replace)

    # pictures and vectors

    def has_vector(self, fingerprint: bytes, encoder_id: int) -> bool:
        """Whether a picture of this content has its vector already."""
        query = select(vectors.c.picture_id).join(pictures).where(pictures.c.fingerprint == fingerprint)
        return self._connection.execute(query.where(vectors.c.encoder_id == encoder_id)).first() is not None

    def put(self, indexed: Sequence[IndexedFile], encoder_id: int) -> None:
        """Write a batch of files, and the new pictures among them with their vectors.

        Pictures that these files showed before, and no file shows now, are forgotten with their vectors.
        """
        new = {item.fingerprint: item for item in indexed if item.facts is not None}
        if new:
            statement = upsert(pictures).on_conflict_do_nothing()
            self._connection.execute(statement, [_picture_row(item) for item in new.values()])
        ids = self._picture_ids([item.fingerprint for item in indexed if item.fingerprint is not None])
        rows = [
            {"picture_id": ids[item.fingerprint], "encoder_id": encoder_id, "data": item.vectors.tobytes()}
            for item in new.values()
            if item.fingerprint is not None and item.vectors is not None
        ]
        if rows:
            self._connection.execute(upsert(vectors).on_conflict_do_nothing(), rows)
            self._touch()
        statement = upsert(files)
        changed = {c.name: c for c in statement.excluded if c.name not in ("id", "directory", "name")}
        statement = statement.on_conflict_do_update(index_elements=["directory", "name"], set_=changed)
        if indexed:
            before = self._pictures_at([item.file.path for item in indexed])
            self._connection.execute(statement, [_file_row(item, ids) for item in indexed])
            if replaced := before.difference(ids.values()):
                self.drop_orphans(pictures.c.id.in_(replaced))

    def vector_ids(self, encoder_id: int) -> NDArray[np.int64]:
        """The ids of the pictures that have a vector, ascending: (n,)."""
        query = select(vectors.c.picture_id).where(vectors.c.encoder_id == encoder_id)
        ids = self._connection.execute(query.order_by(vectors.c.picture_id)).scalars().all()
        return np.array(ids, dtype=np.int64)

    def vectors_of(
        self, ids: Sequence[int], encoder: EncoderRecord
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """All vectors of pictures, some thousands of pictures at a time: a picture's id for each row, and the rows.

        The rows (n, dim) of a picture stand together: the whole first, then its regions.
        """
        for chunk in _chunks(ids):
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
        """The vectors of pictures as wholes, by id: (n,) and (n, dim)."""
        whole = func.substr(vectors.c.data, 1, 2 * encoder.dim)
        query = select(vectors.c.picture_id, whole).where(vectors.c.encoder_id == encoder.id)
        chunks = (query.where(vectors.c.picture_id.in_(chunk)) for chunk in _chunks(sorted(ids)))
        rows = [row for query in chunks for row in self._connection.execute(query.order_by(vectors.c.picture_id))]
        return np.array([id_ for id_, _ in rows], dtype=np.int64), unpack_rows([data for _, data in rows], encoder.dim)

    def n_rows(self, encoder: EncoderRecord) -> int:
        """How many vectors there are, regions counted."""
        size = select(func.sum(func.length(vectors.c.data))).where(vectors.c.encoder_id == encoder.id)
        return (self._connection.execute(size).scalar() or 0) // (2 * encoder.dim)

    def n_pictures(self) -> int:
        """How many different pictures there are."""
        return self._connection.execute(select(func.count()).select_from(pictures)).scalar_one()

    def matching(self, filters: Filters) -> NDArray[np.int64] | None:
        """The pictures that pass, by id; None where all do."""
        return matching(self._connection, filters)

    def n_matching(self, filters: Filters) -> int:
        """How many pictures pass."""
        return count_matching(self._connection, filters)

    def newest(self, filters: Filters, start: int, n: int) -> list[PictureRecord]:
        """`n` pictures that pass, from the `start`-th (0 is the first), newest first, undated ones last."""
        ids = newest(self._connection, filters, start, n)
        found = self.pictures(ids)
        return [found[i] for i in ids if i in found]

    def facets(self, filters: Filters) -> Facets:
        """How many pictures each value of a filter would leave."""
        return count_facets(self._connection, filters)

    def sizes(self, ids: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Width and height of these pictures, in pixels."""
        query = select(pictures.c.id, pictures.c.width, pictures.c.height)
        rows = (self._connection.execute(query.where(pictures.c.id.in_(chunk))) for chunk in _chunks(ids))
        return {row.id: (row.width, row.height) for chunk in rows for row in chunk}

    def pictures(self, ids: Sequence[int]) -> dict[int, PictureRecord]:
        """These pictures with the paths of their files; a picture that is gone is left out."""
        paths: dict[int, list[Path]] = {}
        rows: dict[int, Row[tuple[Any, ...]]] = {}
        for chunk in _chunks(ids):
            query = select(pictures, files.c.directory, files.c.name.label("file_name")).join(files)
            query = query.where(pictures.c.id.in_(chunk)).order_by(files.c.directory, files.c.name)
            for row in self._connection.execute(query):
                rows[row.id] = row
                paths.setdefault(row.id, []).append(row.directory / row.file_name)
        return {i: PictureRecord(i, row.fingerprint.hex(), tuple(paths[i]), _facts(row)) for i, row in rows.items()}

    def _pictures_at(self, paths: Sequence[Path]) -> set[int]:
        names: dict[Path, list[str]] = {}
        for path in paths:
            names.setdefault(path.parent, []).append(path.name)
        query = select(files.c.picture_id).where(files.c.picture_id.is_not(None))
        queries = (query.where(files.c.directory == d, files.c.name.in_(n)) for d, n in names.items())
        return {picture_id for query in queries for picture_id in self._connection.execute(query).scalars()}

    def _pictures_of(self, file_ids: Sequence[int]) -> dict[int, int]:
        query = select(files.c.id, files.c.picture_id).where(files.c.picture_id.is_not(None))
        chunks = (self._connection.execute(query.where(files.c.id.in_(chunk))) for chunk in _chunks(file_ids))
        return {row.id: row.picture_id for chunk in chunks for row in chunk}

    def _count_files(self, picture_ids: Iterable[int], *which: ColumnElement[bool]) -> Counter[int]:
        query = select(files.c.picture_id, func.count()).where(*which).group_by(files.c.picture_id)
        chunks = _chunks(sorted(set(picture_ids)))
        rows = (self._connection.execute(query.where(files.c.picture_id.in_(chunk))) for chunk in chunks)
        return Counter({picture_id: n for chunk in rows for picture_id, n in chunk})

    def _picture_ids(self, fingerprints: Iterable[bytes]) -> dict[bytes | None, int]:
        query = select(pictures.c.fingerprint, pictures.c.id).where(pictures.c.fingerprint.in_(set(fingerprints)))
        return {fingerprint: id_ for fingerprint, id_ in self._connection.execute(query)}  # noqa: C416

    def _touch(self) -> None:
        self._connection.execute(insert(versions))


def _chunks(ids: Sequence[int]) -> Iterator[list[int]]:
    remaining = iter(ids)
    while chunk := [int(i) for i in islice(remaining, CHUNK)]:
        yield chunk


def _patterns(joined: bytes | None) -> tuple[str, ...]:
    return tuple(os.fsdecode(joined).split("\0")) if joined else ()


def _known_file(row: Row[tuple[object, ...]]) -> KnownFile:
    return KnownFile(
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


def _picture_row(item: IndexedFile) -> dict[str, object]:
    assert item.facts is not None
    m = item.facts.metadata
    return {
        "fingerprint": item.fingerprint,
        "width": item.facts.width,
        "height": item.facts.height,
        "taken_at": m.taken_at,
        "latitude": m.latitude,
        "longitude": m.longitude,
        "camera": m.camera,
        "caption": m.caption,
        "keywords": "\n".join(m.keywords) or None,
    }


def _facts(row: Row[tuple[object, ...]]) -> PictureFacts:
    keywords = tuple(row.keywords.split("\n")) if row.keywords else ()
    metadata = Metadata(row.taken_at, row.latitude, row.longitude, row.camera, row.caption, keywords)
    return PictureFacts(row.width, row.height, metadata)


def _file_row(item: IndexedFile, picture_ids: dict[bytes | None, int]) -> dict[str, object]:
    return {
        "folder_id": item.folder_id,
        "directory": item.file.path.parent,
        "name": item.file.path.name,
        "size_bytes": item.file.size_bytes,
        "mtime_ns": item.file.mtime_ns,
        "ctime_ns": item.file.ctime_ns,
        "picture_id": None if item.failure else picture_ids[item.fingerprint],
        "failure": item.failure,
        "max_pixels": item.max_pixels,
        "device": item.file.device,
        "inodes": item.file.inodes,
    }
