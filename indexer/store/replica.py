"""An index in a directory that holds a share of a server catalog's pictures, and follows its changes."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Table, Text, insert, inspect, select, update

from indexer.store.catalog import Catalog
from indexer.store.change_log import Position, has_position, newest_position, read_changes
from indexer.store.errors import IndexBusyError, NoIndexError
from indexer.store.index import Index
from indexer.store.picture_copies import read_copies, replace_pictures
from indexer.store.records import EncoderRecord
from indexer.store.schema import encoders, folders, settings, vectors

__all__ = ["Replica", "Share"]

AT_ONCE = 2000  # pictures in one transaction while the catalog is copied
MIN_UNSAVED = 1000  # pictures; if more, and 1 % of all, are not in the vector files, these are written
FOLDER = 1  # the id of the only folder, which all files of a share are in
FORMAT = 2  # of what is copied; another one is copied again. 2: with texts

_metadata = MetaData()
_following = Table(  # one row in the share's own database, changed in the transaction of each batch
    "following",
    _metadata,
    Column("catalog", Text, nullable=False),  # the identity of the server's catalog, and the format
    Column("number", Integer, nullable=False),
    Column("n_shards", Integer, nullable=False),
    Column("change_id", BigInteger, nullable=False),
    Column("mark", BigInteger, nullable=False),
    Column("copied_to", BigInteger),  # the last picture that was copied; NULL: all were, and changes are followed
)


@dataclass(frozen=True, slots=True)
class Share:
    """The pictures of a catalog with `id % n_shards == number`."""

    number: int
    n_shards: int


@dataclass(frozen=True, slots=True)
class _State:
    position: Position
    copied_to: int | None


class Replica:
    """First copies its share, then follows changes. Each batch is one transaction, so it can be killed at any time.

    Its directory can be deleted at any time; then everything is copied again. `index` may be searched by other threads
    while one thread calls `advance`.
    """

    def __init__(self, source: Index, directory: Path, share: Share) -> None:
        """source: the index on a server. directory: of this share alone; what is in it may be deleted."""
        assert source.directory is None, source.place
        self._source = source
        self._directory = directory
        self._share = share
        self._n_unsaved = 0
        self.index: Index | None = None
        self.is_complete = False  # True if all pictures were copied

    @contextmanager
    def lock(self) -> Iterator[None]:
        """To be held while this object is used. Raises IndexBusyError if another process follows in this directory."""
        self._directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(self._directory.with_name(f"{self._directory.name}.lock"), timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise IndexBusyError(self._directory) from error
        try:
            yield
        finally:
            if self.index is not None:
                self.index.close()
            lock.release()

    def advance(self) -> bool:
        """Apply the next batch of pictures or changes. False: there is none at the moment."""
        with self._source.reading() as catalog:
            encoder = catalog.encoder()
            if encoder is None:
                return False
            state = self._read_state(catalog, encoder) or self._start_again(catalog, encoder)
            if state.copied_to is not None:
                return self._copy(catalog, encoder, state.position, state.copied_to)
            self.is_complete = True
            found = read_changes(catalog.connection, state.position, self._share.number, self._share.n_shards)
            if found is None:
                return False
            position, ids = found
            self._write(catalog, encoder, ids, _State(position, None))
        if self._n_unsaved > max(MIN_UNSAVED, self._count() // 100):
            self._save()
        return True

    def _copy(self, catalog: Catalog, encoder: EncoderRecord, position: Position, copied_to: int) -> bool:
        """Copy the next pictures. Those that change meanwhile are copied again, because changes are followed from then.

        position: before the first picture was copied.
        """
        query = select(vectors.c.picture_id).where(
            vectors.c.encoder_id == encoder.id,
            vectors.c.picture_id > copied_to,
            vectors.c.picture_id % self._share.n_shards == self._share.number,
        )
        ids = list(catalog.connection.execute(query.order_by(vectors.c.picture_id).limit(AT_ONCE)).scalars())
        self._write(catalog, encoder, ids, _State(position, ids[-1] if ids else None))
        if not ids:
            self._save()
            self.is_complete = True
        return True

    def _write(self, catalog: Catalog, encoder: EncoderRecord, ids: list[int], state: _State) -> None:
        assert self.index is not None
        with self.index.writing() as writer:
            if ids:
                copies = read_copies(catalog.connection, ids, encoder.id)
                replace_pictures(writer.connection, ids, copies, FOLDER)
            position = state.position
            values = {"change_id": position.change_id, "mark": position.mark, "copied_to": state.copied_to}
            writer.connection.execute(update(_following).values(values))
        self._n_unsaved += len(ids)

    def _read_state(self, catalog: Catalog, encoder: EncoderRecord) -> _State | None:
        """None if this directory does not hold an earlier state of this share."""
        try:
            if self.index is None or not self.index.is_current():
                self.index = Index.open(self._directory)
        except NoIndexError:
            return None
        with self.index.reading() as own:
            if own.encoder() != encoder or not inspect(own.connection).has_table(_following.name):
                return None
            row = own.connection.execute(select(_following)).one()
        position = Position(row.change_id, row.mark)
        if (row.catalog, row.number, row.n_shards) != (self._identity(), self._share.number, self._share.n_shards):
            return None
        return _State(position, row.copied_to) if has_position(catalog.connection, position) else None

    def _start_again(self, catalog: Catalog, encoder: EncoderRecord) -> _State:
        self.is_complete = False
        if self.index is not None:
            self.index.close()
        shutil.rmtree(self._directory, ignore_errors=True)
        position = newest_position(catalog.connection)
        self.index = Index.create(self._directory)
        with self.index.writing() as writer:
            self._fill(writer.connection, encoder, position)
        return _State(position, -1)

    def _fill(self, connection: Connection, encoder: EncoderRecord, position: Position) -> None:
        _metadata.create_all(connection)
        names = ("id", "name", "version", "dim", "regions")
        connection.execute(insert(encoders).values({name: getattr(encoder, name) for name in names}))
        connection.execute(update(settings).values(current_encoder=encoder.id))
        connection.execute(insert(folders).values(id=FOLDER, path=Path("/")))
        values = {"catalog": self._identity(), "number": self._share.number, "n_shards": self._share.n_shards}
        values |= {"change_id": position.change_id, "mark": position.mark, "copied_to": -1}
        connection.execute(insert(_following).values(values))

    def _identity(self) -> str:
        return " ".join(map(str, (*(self._source.identity or ()), FORMAT)))

    def _count(self) -> int:
        assert self.index is not None
        with self.index.reading() as own:
            return own.n_pictures()

    def _save(self) -> None:
        assert self.index is not None
        self.index.save_vectors()
        self._n_unsaved = 0
