"""What differs between an index in a directory and one whose catalog is on a server."""

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine

from indexer.places import Place
from indexer.store.directory import CATALOG, DirectoryBackend, create_directory, open_directory

__all__ = ["Backend", "create_catalog", "has_catalog", "make_backend", "open_catalog"]


class Backend(Protocol):
    """The database of a catalog, the lock of its writers, and the directory of the vector files."""

    cache_directory: Path  # of the vector files
    is_shared: bool  # True if others use the catalog, too, each with vector files of their own

    @property
    def reader(self) -> Engine:
        """The engine for transactions that read; each sees one state of the catalog."""

    @property
    def writer(self) -> Engine:
        """The engine for transactions that write."""

    def read_identity(self) -> tuple[int, ...] | None:
        """Differs from that of a later catalog at the same place. None if there is no catalog."""

    def explain_errors(self) -> AbstractContextManager[None]:
        """Turn errors of the database and its disk into CosmosSearchErrors."""

    def lock(self) -> AbstractContextManager[None]:
        """Exclude other writing processes; raises IndexBusyError if there is one. Released if the process dies."""

    def lock_files(self, *, wait: bool = True) -> AbstractContextManager[None]:
        """Exclude other processes that write vector files, if `lock` does not. Raises VectorFileError.

        wait: wait for another process; otherwise raise IndexBusyError.
        """

    def keep_lock(self) -> None:
        """Take the lock again if it is wanted and was lost with the connection; raises IndexBusyError."""

    def flush(self) -> None:
        """Write all commits to the disk."""

    def compact(self) -> None:
        """Make the database smaller if most of it is unused."""

    def size_bytes(self) -> int:
        """The size of the catalog on disk."""


# psycopg is part of an extra: the functions import what uses it.


def has_catalog(place: Place) -> bool:
    """True if there is an index at `place`."""
    if isinstance(place, Path):
        return os.path.isfile(place / CATALOG)  # noqa: PTH113 (Path.is_file raises without permission)
    from indexer.store.server import has_server_catalog

    return has_server_catalog(place)


def open_catalog(place: Place) -> Engine:
    """An engine for the catalog at `place`. Raises NoIndexError if there is none, StorageError if it fails."""
    if isinstance(place, Path):
        return open_directory(place)
    from indexer.store.server import open_server

    return open_server(place, create=False)


def create_catalog(place: Place) -> Engine:
    """An engine for the catalog at `place`, which is created if there is none. Raises CreateIndexError."""
    if isinstance(place, Path):
        return create_directory(place)
    from indexer.store.server import open_server

    return open_server(place)


def make_backend(place: Place, engine: Engine) -> Backend:
    """The backend of a catalog that is open."""
    if isinstance(place, Path):
        return DirectoryBackend(place, engine)
    from indexer.store.server import ServerBackend

    return ServerBackend(place, engine)
