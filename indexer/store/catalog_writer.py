"""Change the catalog, within one write transaction."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, select, tuple_, update

from indexer.store.albums import add_album, add_pictures, delete_album, remove_pictures
from indexer.store.catalog import Catalog
from indexer.store.change_log import drop_old_changes
from indexer.store.dialect import N_VERSIONS, lock_versions, upsert
from indexer.store.errors import NotAnIndexedFolderError
from indexer.store.failures import record_failures
from indexer.store.indexed_files import write_files, write_pictures
from indexer.store.moved_files import read_pictures_of_files
from indexer.store.records import (
    EncoderRecord,
    FailedFile,
    IndexedFile,
    IndexedPicture,
    TextLine,
)
from indexer.store.rows import split_ids
from indexer.store.schema import (
    IS_FIRST,
    encoders,
    failures,
    files,
    folders,
    pictures,
    settings,
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
        new = {item.fingerprint: item for item in indexed if isinstance(item, IndexedPicture)}
        if new:
            write_pictures(self._connection, new, encoder_id)
            self._has_new_vectors = True
        if indexed:
            current, before = write_files(self._connection, indexed)
            if replaced := before - current:
                self.drop_orphans(pictures.c.id.in_(replaced))
            derive_texts(self._connection, before | current)

    def set_device(self, ids: Sequence[int], device: int, inodes: str | None = None) -> None:
        """Change the device, and unless None the inodes, that are recorded for the directories of these files."""
        values = {"device": device} if inodes is None else {"device": device, "inodes": inodes}
        for chunk in split_ids(ids):
            self._connection.execute(update(files).where(_is_of(chunk)).values(values))

    def delete_files(self, ids: Sequence[int]) -> None:
        """Delete these files, and the pictures that have no file then."""
        affected = [picture_id for _, picture_id in read_pictures_of_files(self._connection, ids)]
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

    def _pictures_in(self, folder_id: int) -> list[int]:
        query = select(files.c.picture_id).where(files.c.folder_id == folder_id, files.c.picture_id.is_not(None))
        return list(self._connection.execute(query).scalars())


def _is_of(file_ids: Sequence[int]) -> ColumnElement[bool]:
    """The condition that a row is of one of these files."""
    first = files.alias()
    of_these = select(first.c.directory, first.c.name).where(first.c.id.in_(file_ids))
    return tuple_(files.c.directory, files.c.name).in_(of_these)
