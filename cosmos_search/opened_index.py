"""An index and its encoder, which are opened on first use, and again after another process has replaced them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

from cosmos_search.encoders.devices import Device
from cosmos_search.encoders.load import find_version
from cosmos_search.encoders.protocol import Encoder
from cosmos_search.retrieval.gpu_search import make_gpu_search
from indexer.places import Place
from indexer.store.index import Index
from indexer.store.records import EncoderRecord, FailedFile, Folder

__all__ = ["Info", "OpenedIndex"]


@dataclass(frozen=True, slots=True)
class Info:
    """What is indexed, and by which encoder."""

    place: Place
    encoder: EncoderRecord | None  # None: nothing was indexed yet
    folders: list[Folder]
    n_pictures: int  # files with the same content count once
    n_texts_read: int  # pictures whose texts were read
    failed: list[FailedFile]
    size_bytes: dict[str, int]  # on disk, of "catalog" and "vectors"
    needs_rebuild: bool  # True if another version of the encoder made the vectors, so searches fail
    search_device: str  # where searches run, for display

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON."""
        return {
            "index": str(self.place),
            "model": self.encoder.to_dict() if self.encoder else None,
            "pictures": self.n_pictures,
            "texts_read": self.n_texts_read,
            "folders": [folder.to_dict() for folder in self.folders],
            "failed": [file.to_dict() for file in self.failed],
            "size_bytes": self.size_bytes,
            "needs_rebuild": self.needs_rebuild,
            "search_device": self.search_device,
        }


class OpenedIndex:
    """What a `Library` works with. Thread-safe."""

    def __init__(
        self, place: Place, encoder: Encoder | None, load: Callable[[str | None], Encoder], device: Device
    ) -> None:
        """load: loads the encoder if none is given. Its argument is the name of the encoder that made the index.

        device: of searches, see `cosmos_search.library.open`.
        """
        self.place = place.absolute() if isinstance(place, Path) else place
        self._given = encoder
        self._load = load
        self._device = device
        self._loaded: tuple[str | None, Encoder] | None = None  # with the name in the index at that time
        self._index: Index | None = None
        self._guard = RLock()  # held while the encoder or the index is opened or closed

    def exists(self) -> bool:
        """True if there is an index at `place`."""
        with self._guard:
            if self._index is not None and self._index.is_current():
                return True
        return Index.is_at(self.place)

    def open(self) -> Index:
        """The index. Raises EmptyIndexError if there is none."""
        return self._get(Index.open)

    def create(self) -> Index:
        """The index, which is created if there is none."""
        return self._get(Index.create)

    def close(self) -> None:
        """Close the files of the index and free the GPU; the next call opens them again."""
        with self._guard:
            if self._index is not None:
                self._index.close()
                self._index = None

    @property
    def has_own_encoder(self) -> bool:
        """True if the caller gave an encoder, which other processes do not have."""
        return self._given is not None

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded on first use, and again if another process rebuilt the index with another model."""
        if self._given is not None:
            return self._given
        with self._guard:
            made_by = self._read_model_name()
            if self._loaded is None or made_by not in (None, self._loaded[0], self._loaded[1].name):
                self._loaded = made_by, self._load(made_by)
            return self._loaded[1]

    def info(self) -> Info:
        """What is indexed, by which encoder, and the size of the index."""
        index = self.open()
        with index.reading() as catalog:
            encoder = catalog.encoder()
            return Info(
                place=self.place,
                encoder=encoder,
                folders=catalog.folders(),
                n_pictures=catalog.n_pictures(),
                n_texts_read=catalog.count_read(),
                failed=catalog.failures(),
                size_bytes=index.size_bytes(),
                needs_rebuild=encoder is not None and self._find_version(encoder) != encoder.version,
                search_device="cpu" if index.estimator is None else index.estimator.device,
            )

    def _get(self, open_index: Callable[[Place], Index]) -> Index:
        """The open index; opened again if another process has deleted or replaced it."""
        with self._guard:
            if self._index is not None and not self._index.is_current():
                self.close()
            if self._index is None:
                self._index = open_index(self.place)
                self._index.estimator = make_gpu_search(self._device)
            return self._index

    def _find_version(self, made_by: EncoderRecord) -> str:
        """The version of the encoder that a search would use; that of the index if it can't be found."""
        given = self._given
        version = find_version(made_by.name) if given is None else given.version if given.name == made_by.name else None
        return version or made_by.version

    def _read_model_name(self) -> str | None:
        """The name of the encoder that made the index, if there is one."""
        if not self.exists():
            return None
        with self.open().reading() as catalog:
            encoder = catalog.encoder()
        return None if encoder is None else encoder.name
