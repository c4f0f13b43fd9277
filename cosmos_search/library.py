"""The library API: one object for one index. The command line and the page call it for everything that they do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, RLock
from types import TracebackType
from typing import TYPE_CHECKING, Any

from cosmos_search.encoders.devices import Device, Precision
from cosmos_search.encoders.load import find_version, load_encoder
from cosmos_search.encoders.protocol import Encoder
from cosmos_search.explore.embedding_map import MAX_POINTS, Atlas, draw_atlas
from cosmos_search.explore.near_duplicates import MIN_COSINE, near_duplicates
from cosmos_search.models.store import default_model
from cosmos_search.places import default_place, parse_path, parse_place
from cosmos_search.retrieval.example_image import read_example_image
from cosmos_search.retrieval.gpu_search import make_gpu_search
from cosmos_search.retrieval.hits import Hit
from cosmos_search.retrieval.query import parse_query
from cosmos_search.retrieval.search import search
from indexer.errors import UsageError
from indexer.pictures.limits import DEFAULT_MAX_PIXELS
from indexer.pictures.regions import Box, Regions
from indexer.pictures.walk import count_files
from indexer.places import Place, ServerPlace
from indexer.store.facets import Facets
from indexer.store.filters import Filters
from indexer.store.index import Index
from indexer.store.records import EncoderRecord, FailedFile, Folder, PictureRecord

if TYPE_CHECKING:  # a search needs neither
    from PIL import Image

    from indexer.ingest.read_texts import TextReport
    from indexer.ingest.report import Report
    from indexer.ingest.shared_work import Distribute
    from indexer.text_reader import TextReader

__all__ = ["Info", "Library", "open"]


@dataclass(frozen=True, slots=True)
class Info:
    """What is indexed, and by which encoder."""

    place: Place
    encoder: EncoderRecord | None  # None: nothing was indexed yet
    folders: list[Folder]
    n_pictures: int  # files with the same content count once
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
            "folders": [folder.to_dict() for folder in self.folders],
            "failed": [file.to_dict() for file in self.failed],
            "size_bytes": self.size_bytes,
            "needs_rebuild": self.needs_rebuild,
            "search_device": self.search_device,
        }


def open(
    place: str | Path | ServerPlace | None = None,
    *,
    model: str | None = None,
    device: Device = "auto",
    precision: Precision = "auto",
    encoder: Encoder | None = None,
) -> "Library":
    """The library whose index is at `place`, by default at `default_place()`. `add` creates the index.

    place: a directory, or the URL of a database on a PostgreSQL server (`postgresql://user@host/database`).
    model: name of an encoder; None: the one that made the index, or the default for a new index.
    device: of the encoder, and of searches in large indexes: "auto" and "cuda" keep the vectors on an NVIDIA GPU while
    the library is open, if it has the memory.
    encoder: an encoder of your own; then `model` and `precision` are not used, and `device` is that of searches.
    """

    def load(made_by: str | None) -> Encoder:
        return load_encoder(model or made_by or default_model(), device, precision)

    return Library(default_place() if place is None else parse_place(place), encoder, load, device)


class Library:
    """Pictures that can be searched. Its methods are thread-safe. Close it, or use it as a context manager."""

    def __init__(
        self, place: Place, encoder: Encoder | None, load: Callable[[str | None], Encoder], device: Device = "auto"
    ) -> None:
        """load: loads the encoder if none is given. Its argument is the name of the encoder that made the index.

        device: of searches, see `open`.
        """
        self.place = place.absolute() if isinstance(place, Path) else place
        self._given = encoder
        self._load = load
        self._device = device
        self._loaded: tuple[str | None, Encoder] | None = None  # with the name in the index at that time
        self._index: Index | None = None
        self._guard = RLock()  # held while the encoder or the index is opened or closed

    def __enter__(self) -> "Library":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def exists(self) -> bool:
        """True if there is an index at `place`."""
        with self._guard:
            if self._index is not None and self._index.is_current():
                return True
        return Index.is_at(self.place)

    def close(self) -> None:
        """Close the files of the index and free the GPU; the next call opens them again."""
        with self._guard:
            if self._index is not None:
                self._index.close()
                self._index = None

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

    def add(
        self,
        *folders: str | Path,
        rebuild: bool = False,
        regions: Regions | None = None,
        max_pixels: int | None = DEFAULT_MAX_PIXELS,
        exclude: Sequence[str] | None = None,
        forget_missing: bool = False,
        on_progress: "Callable[[Report], None]" = lambda report: None,
        stop: Event | None = None,
        distribute: "Distribute | None" = None,
    ) -> "Report":
        """Index new and changed pictures in these folders, by default in all indexed folders.

        See `indexer.ingest.update.update` for the options. Raises CosmosSearchError before anything is created if a
        folder or the encoder cannot be used.
        """
        from indexer.ingest.scan_plan import resolve_folder
        from indexer.ingest.update import update

        paths = [resolve_folder(parse_path(folder)) for folder in folders]
        encoder = self.encoder
        return update(
            self._create_index() if paths else self._open_index(),
            encoder,
            paths,
            rebuild=rebuild,
            regions=regions,
            max_pixels=max_pixels,
            exclude=exclude,
            forget_missing=forget_missing,
            on_progress=on_progress,
            stop=stop,
            distribute=distribute,
        )

    def read_texts(
        self,
        *,
        reader: "TextReader | None" = None,
        max_pixels: int | None = DEFAULT_MAX_PIXELS,
        on_progress: "Callable[[TextReport], None]" = lambda report: None,
        stop: Event | None = None,
    ) -> "TextReport":
        """Read the texts in the indexed pictures that this version of the reader has not read.

        reader: by default that of the extra `text`. See `indexer.ingest.read_texts.read_texts` for the options.
        Raises MissingExtraError if the extra is not installed.
        """
        from cosmos_search.text.rapid_reader import load_reader
        from indexer.ingest.read_texts import read_texts

        options: dict[str, Any] = {"max_pixels": max_pixels, "on_progress": on_progress, "stop": stop}
        return read_texts(self._open_index(), reader or load_reader(), **options)

    def count_files(
        self,
        folders: Sequence[str | Path] = (),
        exclude: Sequence[str] | None = None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> int:
        """The number of files that `add` would visit, for progress bars; fewer if `is_stopped` returns True meanwhile.

        It takes a walk over the folders. folders, exclude: as for `add`.
        """
        from indexer.ingest.scan_plan import real_path

        indexed: list[Folder] = []
        if self.exists():
            with self._open_index().reading() as catalog:
                indexed = catalog.folders()
        paths = [real_path(parse_path(folder)) for folder in folders] or [folder.path for folder in indexed]
        outermost = [path for path in dict.fromkeys(paths) if not any(other in path.parents for other in paths)]
        stored = {path: [p for f in indexed if path.is_relative_to(f.path) for p in f.exclude] for path in outermost}
        return count_files([(path, stored[path] if exclude is None else exclude) for path in outermost], is_stopped)

    def search(
        self,
        text: str = "",
        top: int = 10,
        *,
        similar_to: "str | Path | Image.Image | None" = None,
        box: Box | None = None,
        filters: Filters | None = None,
        include_unlikely: bool = False,
    ) -> list[Hit]:
        """The best `top` pictures for a query, best first. An empty list: no picture matches.

        text: sentences with signs, weights and places; `cosmos_search.retrieval.query` has the syntax.
        similar_to: find pictures similar to this one, or to its part `box`; a text may be added.
        filters: conditions that all hits fulfil.
        include_unlikely: also hits whose score is below the encoder's cut-off.
        Raises QueryError for a syntax error in the text, other UsageErrors for other mistakes in the arguments,
        ExampleImageError for a picture that cannot be read, and CosmosSearchError for an empty index.
        """
        index = self._open_index()
        query = parse_query(text) if text.strip() or similar_to is None else None
        example = None if similar_to is None else read_example_image(similar_to, box)
        return search(
            index, self.encoder, query, example=example, top=top, filters=filters, include_unlikely=include_unlikely
        )

    def browse(self, filters: Filters | None = None, *, start: int = 0, n: int = 60) -> list[PictureRecord]:
        """`n` pictures without a query, from position `start` on (0 is the first): newest first, undated ones last.

        The list is empty after the last picture. Raises UsageError for a `start` below 0 or an `n` below 1.
        """
        if start < 0 or n < 1:
            raise UsageError(f"Cannot list {n} pictures from position {start} on; a page has 1 or more, from 0 on.")
        with self._open_index().reading_pictures() as catalog:
            return catalog.newest(filters or Filters(), start, n)

    def n_matching(self, filters: Filters | None = None) -> int:
        """Number of pictures that pass the filters."""
        with self._open_index().reading_pictures() as catalog:
            return catalog.n_matching(filters or Filters())

    def facets(self, filters: Filters | None = None) -> Facets:
        """Number of pictures that pass, for each camera, year, orientation, directory and size.

        Each of the five is counted without its own filter, so that it shows the other values to choose from.
        """
        with self._open_index().reading_pictures() as catalog:
            return catalog.facets(filters or Filters())

    def near_duplicates(
        self, min_cosine: float = MIN_COSINE, *, on_progress: Callable[[float], None] = lambda share: None
    ) -> list[tuple[PictureRecord, ...]]:
        """Groups of pictures that look alike, the largest groups first, the members by date.

        Files with the same content are one picture. on_progress is called with the completed fraction, 0..1.
        See `cosmos_search.explore.near_duplicates.near_duplicates`.
        """
        return near_duplicates(self._open_index(), min_cosine, on_progress)

    def atlas(self, vocabulary: Sequence[str] | None = None, max_points: int = MAX_POINTS) -> Atlas:
        """A map of at most `max_points` pictures: similar pictures are close together, clusters have names.

        vocabulary: possible names of clusters; None: a few hundred everyday words. Takes up to half a minute.
        """
        return draw_atlas(self._open_index(), self.encoder, vocabulary, max_points)

    def picture(self, id_: int) -> PictureRecord | None:
        """An indexed picture by its id; None if it is not indexed."""
        with self._open_index().reading() as catalog:
            return catalog.pictures([id_]).get(id_)

    def pictures(self, ids: Sequence[int]) -> list[PictureRecord]:
        """Indexed pictures by their ids, in this order; those that are not indexed are left out."""
        with self._open_index().reading() as catalog:
            found = catalog.pictures(ids)
        return [found[id_] for id_ in ids if id_ in found]

    def n_pictures(self) -> int:
        """Number of different pictures; 0 if there is no index."""
        if not self.exists():
            return 0
        with self._open_index().reading() as catalog:
            return catalog.n_pictures()

    def version(self) -> tuple[int, ...]:
        """Changes whenever the content of the index changes, or another index replaces it; use it as a cache key."""
        index = self._open_index()
        with index.reading() as catalog:
            return *(index.identity or ()), catalog.version(), catalog.last_text_id()

    def remove(self, folder: str | Path) -> int:
        """Remove a folder from the index; the folder itself is not changed. Returns the number of its files."""
        from indexer.ingest.update import remove

        return remove(self._open_index(), parse_path(folder))

    def info(self) -> Info:
        """What is indexed, by which encoder, and the size of the index."""
        index = self._open_index()
        with index.reading() as catalog:
            encoder = catalog.encoder()
            return Info(
                place=self.place,
                encoder=encoder,
                folders=catalog.folders(),
                n_pictures=catalog.n_pictures(),
                failed=catalog.failures(),
                size_bytes=index.size_bytes(),
                needs_rebuild=encoder is not None and self._find_version(encoder) != encoder.version,
                search_device="cpu" if index.estimator is None else index.estimator.device,
            )

    def _open_index(self) -> Index:
        return self._get_index(Index.open)

    def _create_index(self) -> Index:
        return self._get_index(Index.create)

    def _get_index(self, open_index: Callable[[Place], Index]) -> Index:
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
        with self._open_index().reading() as catalog:
            encoder = catalog.encoder()
        return None if encoder is None else encoder.name
