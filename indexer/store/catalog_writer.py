"""Change the catalog, within one write transaction."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, select, tuple_, update

from indexer.errors import NotAnIndexedFolderError
from indexer.store.albums import add_album, add_pictures, delete_album, remove_pictures
from indexer.store.catalog import Catalog
from indexer.store.change_log import drop_old_changes
from indexer.store.dialect import N_VERSIONS, lock_versions, record_names, upsert
from indexer.store.failures import record_failures
from indexer.store.records import (
    EncoderRecord,
    FailedFile,
    IndexedCopy,
    IndexedFailure,
    IndexedFile,
    IndexedPicture,
    TextLine,
)
from indexer.store.rows import split_ids
from indexer.store.schema import (
    FILE_KEY,
    IS_FIRST,
    encoders,
    failures,
    files,
    folders,
    pictures,
    settings,
    vectors,
    versions,
)
from indexer.store.texts import derive_texts, put_lines

__all__ = ["CatalogWriter"]


class CatalogWriter(Catalog):
    """The queries and changes of one write transaction.

    Rows are written in the order of their keys, so that two writers on one server cannot deadlock.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._has_new_vectors = False  # or lacks some

    # encoders and versions

    def add_encoder(self, name: str, version: str, dim: int, regions: str) -> EncoderRecord:
        """A new set of vectors beside the current one; an unfinished set of the same encoder is continued."""
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
        """Make searches use the vectors of this encoder, and delete all others."""
        self._connection.execute(update(settings).values(current_encoder=encoder.id))
        self._connection.execute(delete(encoders).where(encoders.c.id != encoder.id))
        self._has_new_vectors = True

    def add_version(self) -> None:
        """Add a version if vectors were added or removed. To be called last in the transaction."""
        if self._has_new_vectors:
            lock_versions(self._connection)
            self._connection.execute(insert(versions))

    def drop_old_versions(self) -> None:
        """Keep the newest versions and changes only. To be called after the vector file was saved."""
        newest_id = select(func.max(versions.c.id)).scalar_subquery()
        n_kept = N_VERSIONS[self._connection.dialect.name]
        self._connection.execute(delete(versions).where(versions.c.id <= newest_id - n_kept))
        if self._connection.dialect.name == "postgresql":
            drop_old_changes(self._connection)

    # folders

    def add_folder(self, path: Path) -> int:
        """The id of the indexed folder at `path`. Indexed folders inside it are merged into it, with their patterns."""
        parts = [f for f in self.folders() if path in f.path.parents]
        inner = [f.id for f in parts]
        self._connection.execute(upsert(self._connection, folders).values(path=path).on_conflict_do_nothing())
        folder_id = self._connection.execute(select(folders.c.id).where(folders.c.path == path)).scalar_one()
        self._connection.execute(update(files).where(files.c.folder_id.in_(inner)).values(folder_id=folder_id))
        self._connection.execute(update(failures).where(failures.c.folder_id.in_(inner)).values(folder_id=folder_id))
        self._connection.execute(delete(folders).where(folders.c.id.in_(inner)))
        if parts:
            derive_texts(self._connection, self._pictures_in(folder_id))  # the names of folders begin there
            self.exclude(folder_id, [pattern for f in parts for pattern in f.exclude])
        return int(folder_id)

    def exclude(self, folder_id: int, patterns: Iterable[str]) -> None:
        """Store the glob patterns of what is left out of a folder."""
        joined = os.fsencode("\0".join(dict.fromkeys(patterns)))
        self._connection.execute(update(folders).where(folders.c.id == folder_id).values(exclude=joined))

    def remove_folder(self, path: Path) -> int:
        """Delete a folder with its files. Returns the number of readable ones. Raises NotAnIndexedFolderError."""
        folder_id = self._connection.execute(select(folders.c.id).where(folders.c.path == path)).scalar()
        if folder_id is None:
            raise NotAnIndexedFolderError(path)
        affected = self._pictures_in(folder_id)
        count = select(func.count(files.c.picture_id)).where(files.c.folder_id == folder_id, IS_FIRST)
        n_pictures = self._connection.execute(count).scalar_one()
        self._connection.execute(delete(files).where(files.c.folder_id == folder_id))
        self._connection.execute(delete(folders).where(folders.c.id == folder_id))
        self.drop_orphans()
        derive_texts(self._connection, affected)
        return int(n_pictures)

    # files

    def put(self, indexed: Sequence[IndexedFile], encoder_id: int) -> None:
        """Write a batch of files, and the pictures with new content among them with their vectors.

        All frames of a video are in one batch, that at 0 among them: frames at other positions are deleted.
        Pictures that these files had before, and that have no file now, are deleted with their vectors.
        """
        self._put_pictures({item.fingerprint: item for item in indexed if isinstance(item, IndexedPicture)}, encoder_id)
        if not indexed:
            return
        contents = {item.fingerprint for item in indexed if isinstance(item, IndexedPicture | IndexedCopy)}
        query = select(pictures.c.fingerprint, pictures.c.id).where(pictures.c.fingerprint.in_(contents))
        ids = {fingerprint: id_ for fingerprint, id_ in self._connection.execute(query)}  # noqa: C416
        statement = upsert(self._connection, files)
        changed = {c.name: c for c in statement.excluded if c.name not in ("id", "directory", "name")}
        statement = statement.on_conflict_do_update(index_elements=FILE_KEY, set_=changed)
        written = {(item.file.path, _position(item) or 0) for item in indexed}
        without_first = {(path, 0) for path, _ in written} - written
        assert not without_first, without_first
        before, stale = self._find_replaced(written)
        for chunk in split_ids(stale):
            self._connection.execute(delete(files).where(files.c.id.in_(chunk)))
        ordered = sorted(indexed, key=lambda item: (os.fsencode(item.file.path), _position(item) or 0))
        record_names(self._connection, {os.fsencode(item.file.path.parent) for item in indexed})
        self._connection.execute(statement, [_file_row(item, ids) for item in ordered])
        if replaced := before.difference(ids.values()):
            self.drop_orphans(pictures.c.id.in_(replaced))
        derive_texts(self._connection, before.union(ids.values()))

    def set_device(self, ids: Sequence[int], device: int, inodes: str | None = None) -> None:
        """Change the device, and unless None the inodes, that are recorded for the directories of these files."""
        values = {"device": device} if inodes is None else {"device": device, "inodes": inodes}
        for chunk in split_ids(ids):
            self._connection.execute(update(files).where(_is_of(chunk)).values(values))

    def find_moved_files(self, vanished: Sequence[int], last_file_id: int) -> set[int]:
        """The vanished files of which each picture has a file that was added after `last_file_id`.

        A picture has at most as many moved files as were added with it.
        """
        pictures_of = self._pictures_of(vanished)
        n_new = self._count_files((picture_id for _, picture_id in pictures_of), files.c.id > last_file_id)
        moved: set[int] = set()
        others: set[int] = set()
        for file_id, picture_id in sorted(pictures_of):  # one file after the other
            (moved if n_new[picture_id] > 0 else others).add(file_id)
            n_new[picture_id] -= 1
        return moved - others

    def find_last_files(self, ids: Sequence[int]) -> set[int]:
        """Those of these files of which a picture has no other file."""
        pictures_of = self._pictures_of(ids)
        n_these = Counter(picture_id for _, picture_id in pictures_of)
        n_all = self._count_files(n_these)
        return {file_id for file_id, picture_id in pictures_of if n_these[picture_id] == n_all[picture_id]}

    def delete_files(self, ids: Sequence[int]) -> None:
        """Delete these files, and the pictures that have no file then."""
        affected = [picture_id for _, picture_id in self._pictures_of(ids)]
        for chunk in split_ids(ids):
            self._connection.execute(delete(files).where(_is_of(chunk)))
        self.drop_orphans()
        derive_texts(self._connection, affected)

    def drop_orphans(self, *which: ColumnElement[bool]) -> None:
        """Delete the pictures that have no file, with their vectors. which: conditions on the pictures to look at."""
        orphans = ~exists().where(files.c.picture_id == pictures.c.id)
        if self._connection.execute(delete(pictures).where(*which, orphans)).rowcount:
            self._has_new_vectors = True

    def record_failures(self, folder_id: int, failed: Sequence[FailedFile], replace: Path | None) -> None:
        """Write the failures without a row in `files`, see `indexer.store.failures.record_failures`."""
        record_failures(self._connection, folder_id, failed, replace)

    def put_lines(self, reader: str, lines: Mapping[int, Sequence[TextLine]]) -> None:
        """Replace the lines that were read in these pictures, see `indexer.store.texts.put_lines`."""
        put_lines(self._connection, reader, lines)

    # albums

    def add_album(self, name: str, search: str | None = None) -> int:
        """The id of the album with this name, created if there is none, see `indexer.store.albums.add_album`."""
        return add_album(self._connection, name, search)

    def delete_album(self, album_id: int) -> None:
        """Delete an album, if it exists; its pictures are kept."""
        delete_album(self._connection, album_id)

    def add_to_album(self, album_id: int, ids: Sequence[int]) -> None:
        """Add indexed pictures to an album."""
        add_pictures(self._connection, album_id, ids)

    def remove_from_album(self, album_id: int, ids: Sequence[int]) -> None:
        """Remove indexed pictures from an album."""
        remove_pictures(self._connection, album_id, ids)

    def _put_pictures(self, new: dict[bytes, IndexedPicture], encoder_id: int) -> None:
        if not new:
            return
        rows = [_picture_row(item) for _, item in sorted(new.items())]
        self._connection.execute(upsert(self._connection, pictures).on_conflict_do_nothing(), rows)
        query = select(pictures.c.fingerprint, pictures.c.id).where(pictures.c.fingerprint.in_(new))
        values = [
            {"picture_id": id_, "encoder_id": encoder_id, "data": new[fingerprint].vectors.tobytes()}
            for fingerprint, id_ in self._connection.execute(query.order_by(pictures.c.fingerprint))
        ]
        self._connection.execute(upsert(self._connection, vectors).on_conflict_do_nothing(), values)
        record_names(self._connection, [item.facts.metadata.camera for item in new.values()])
        self._has_new_vectors = True

    def _find_replaced(self, written: set[tuple[Path, int]]) -> tuple[set[int], list[int]]:
        """The pictures that these files have, and the ids of their rows at other positions. The first row stays."""
        names: dict[Path, set[str]] = {}
        for path, _ in written:
            names.setdefault(path.parent, set()).add(path.name)
        before: set[int] = set()
        stale: list[int] = []
        query = select(files.c.id, files.c.name, files.c.position_ms, files.c.picture_id)
        for directory, own in names.items():
            for row in self._connection.execute(query.where(files.c.directory == directory, files.c.name.in_(own))):
                if row.picture_id is not None:
                    before.add(row.picture_id)
                if row.position_ms and (directory / row.name, row.position_ms) not in written:
                    stale.append(row.id)
        return before, stale

    def _pictures_in(self, folder_id: int) -> list[int]:
        query = select(files.c.picture_id).where(files.c.folder_id == folder_id, files.c.picture_id.is_not(None))
        return list(self._connection.execute(query).scalars())

    def _pictures_of(self, file_ids: Sequence[int]) -> list[tuple[int, int]]:
        """The ids of the files, each with those of its pictures."""
        first = files.alias()
        is_same = and_(first.c.directory == files.c.directory, first.c.name == files.c.name)
        query = select(first.c.id, files.c.picture_id).join(first, is_same)  # a condition on picture_id slows it down
        chunks = (self._connection.execute(query.where(first.c.id.in_(chunk))) for chunk in split_ids(file_ids))
        return [(file_id, picture_id) for chunk in chunks for file_id, picture_id in chunk if picture_id is not None]

    def _count_files(self, picture_ids: Iterable[int], *which: ColumnElement[bool]) -> Counter[int]:
        query = select(files.c.picture_id, func.count()).where(*which).group_by(files.c.picture_id)
        chunks = split_ids(sorted(set(picture_ids)))
        rows = (self._connection.execute(query.where(files.c.picture_id.in_(chunk))) for chunk in chunks)
        return Counter({picture_id: n for chunk in rows for picture_id, n in chunk})


def _is_of(file_ids: Sequence[int]) -> ColumnElement[bool]:
    """The condition that a row is of one of these files."""
    first = files.alias()
    of_these = select(first.c.directory, first.c.name).where(first.c.id.in_(file_ids))
    return tuple_(files.c.directory, files.c.name).in_(of_these)


def _position(item: IndexedFile) -> int | None:
    return None if isinstance(item, IndexedFailure) else item.position_ms


def _picture_row(item: IndexedPicture) -> dict[str, object]:
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


def _file_row(item: IndexedFile, picture_ids: dict[bytes, int]) -> dict[str, object]:
    row: dict[str, object] = {
        "folder_id": item.folder_id,
        "directory": item.file.path.parent,
        "name": item.file.path.name,
        "size_bytes": item.file.size_bytes,
        "mtime_ns": item.file.mtime_ns,
        "ctime_ns": item.file.ctime_ns,
        "device": item.file.device,
        "inodes": item.file.inodes,
        "position_ms": _position(item),
    }
    if isinstance(item, IndexedFailure):
        return row | {"picture_id": None, "failure": item.reason, "max_pixels": item.max_pixels}
    return row | {"picture_id": picture_ids[item.fingerprint], "failure": None, "max_pixels": None}
