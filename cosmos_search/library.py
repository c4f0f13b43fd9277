"""The library API: one object for one index. The command line and the page call it for everything that they do."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING, Any

from cosmos_search.client.ask import ask_server
from cosmos_search.encoders.devices import Device, Precision
from cosmos_search.encoders.load import load_encoder
from cosmos_search.encoders.protocol import Encoder
from cosmos_search.indexed_pictures import IndexedPictures
from cosmos_search.limits import MAX_POINTS
from cosmos_search.models.store import default_model
from cosmos_search.opened_index import Info, OpenedIndex
from cosmos_search.places import default_place, parse_path, parse_place
from cosmos_search.retrieval.example_image import read_example_image
from cosmos_search.retrieval.hits import Hit
from cosmos_search.retrieval.no_match import find_unread_texts
from cosmos_search.retrieval.query import parse_query
from cosmos_search.retrieval.search import search
from cosmos_search.retrieval.similarity import is_file, leave_out
from indexer.errors import UsageError
from indexer.pictures.limits import DEFAULT_MAX_PIXELS
from indexer.pictures.regions import Box, Regions
from indexer.pictures.walk import count_files
from indexer.places import Place, ServerPlace
from indexer.store.errors import NoIndexError
from indexer.store.filter_record import Filters
from indexer.store.records import Folder

if TYPE_CHECKING:  # a search needs neither
    from PIL import Image

    from cosmos_search.explore.duplicate_groups import Duplicates
    from cosmos_search.explore.embedding_map import Atlas
    from indexer.ingest.read_texts import TextReport
    from indexer.ingest.report import Report
    from indexer.ingest.shared_work import Distribute
    from indexer.text_reader import TextReader

__all__ = ["Library", "open"]

log = logging.getLogger(__name__)


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


class Library(IndexedPictures):
    """Pictures that can be searched. Its methods are thread-safe. Close it, or use it as a context manager."""

    def __init__(
        self, place: Place, encoder: Encoder | None, load: Callable[[str | None], Encoder], device: Device = "auto"
    ) -> None:
        """load: loads the encoder if none is given. Its argument is the name of the encoder that made the index.

        device: of searches, see `open`.
        """
        self._opened = OpenedIndex(place, encoder, load, device)
        self.place = self._opened.place

    def __enter__(self) -> "Library":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def exists(self) -> bool:
        """True if there is an index at `place`."""
        return self._opened.exists()

    def close(self) -> None:
        """Close the files of the index and free the GPU; the next call opens them again."""
        self._opened.close()

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded on first use, and again if another process rebuilt the index with another model."""
        return self._opened.encoder

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
            self._opened.create() if paths else self._opened.open(),
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
        return read_texts(self._opened.open(), reader or load_reader(), **options)

    def n_unread(self) -> int:
        """The number of indexed pictures whose texts `read_texts` would read, with the reader of the extra `text`."""
        from cosmos_search.text.rapid_reader import load_reader

        with self._opened.open().reading() as catalog:
            return catalog.count_unread(load_reader().version)

    def n_texts_read(self) -> int:
        """The number of indexed pictures whose texts were read, with any reader. `text:` finds a text only in these."""
        with self._opened.open().reading() as catalog:
            return catalog.count_read()

    def count_files(
        self,
        folders: Sequence[str | Path] = (),
        exclude: Sequence[str] | None = None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> int:
        """The number of files that `add` would visit, for progress bars; fewer if `is_stopped` returns True meanwhile.

        It takes a walk over the folders. folders, exclude: as for `add`.
        """
        from indexer.ingest.scan_plan import plan_walks, real_path

        indexed: list[Folder] = []
        if self.exists():
            with suppress(NoIndexError), self._opened.open().reading() as catalog:  # it may be in creation
                indexed = catalog.folders()
        paths = [real_path(parse_path(folder)) for folder in folders]
        return count_files(plan_walks(indexed, paths, exclude), is_stopped)

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

        text: sentences with signs, weights and places; `cosmos_search.retrieval.query` has the syntax. One that only
        excludes texts, such as "-text:draft", finds all other pictures, the newest first. Texts in pictures are found
        after `read_texts` has read them; if `text:` finds nothing and some were not read, UnreadTextsError is logged.
        similar_to: find pictures similar to this one, or to its part `box`; a text may be added. If it is an indexed
        file, that picture is left out.
        filters: conditions that all hits fulfil.
        include_unlikely: also hits whose score is below the encoder's cut-off.
        For an index on a PostgreSQL server, a running search server of this user on this machine is asked, if there is
        one: its shards may hold more than this machine's memory. What it could not search is logged as a warning.
        Raises QueryError for a syntax error in the text, other UsageErrors for other mistakes in the arguments,
        ExampleImageError for a picture that cannot be read, and CosmosSearchError for an empty index.
        """
        if box is not None and similar_to is None:
            raise UsageError("A box is a part of an example picture; name that as well: similar_to.")
        if isinstance(self.place, ServerPlace) and not self._opened.has_own_encoder:
            options: dict[str, Any] = {"filters": filters, "include_unlikely": include_unlikely}
            answer = ask_server(self.place, text, top, similar_to=similar_to, box=box, **options)
            if answer is not None:
                if answer.warning is not None:
                    log.warning("%s", answer.warning)
                return answer.hits
        index = self._opened.open()
        query = parse_query(text) if text.strip() or similar_to is None else None
        example = None if similar_to is None else read_example_image(similar_to, box)
        path = parse_path(similar_to) if isinstance(similar_to, str | Path) else None
        n = top if path is None else top + 1
        hits = search(
            index, self.encoder, query, example=example, top=n, filters=filters, include_unlikely=include_unlikely
        )
        if not hits and query is not None and (unread := find_unread_texts(self, Filters(texts=query.texts))):
            log.info("%s", unread)
        return hits if path is None else leave_out(hits, is_file(path), top)

    def near_duplicates(self, *, on_progress: Callable[[float], None] = lambda share: None) -> "Duplicates":
        """Groups of copies of a picture, verified on their pixels, and bursts; in each group the best one is marked.

        Nothing is ever deleted. on_progress is called with the completed fraction, 0..1.
        See `cosmos_search.explore.near_duplicates.near_duplicates`.
        """
        from cosmos_search.explore.near_duplicates import near_duplicates  # imports Pillow, which no search needs

        return near_duplicates(self._opened.open(), on_progress)

    def atlas(self, vocabulary: Sequence[str] | None = None, max_points: int = MAX_POINTS) -> "Atlas":
        """A map of at most `max_points` pictures: similar pictures are close together, clusters have names.

        vocabulary: possible names of clusters; None: a few hundred everyday words. Takes some seconds the first time;
        the layout is stored with the index, and pictures that are added are placed in it.
        """
        from cosmos_search.explore.embedding_map import draw_atlas  # no search needs it

        return draw_atlas(self._opened.open(), lambda: self.encoder, vocabulary, max_points)

    def version(self) -> tuple[int, ...]:
        """Changes whenever the content of the index changes, or another index replaces it; use it as a cache key."""
        index = self._opened.open()
        with index.reading() as catalog:
            return *(index.identity or ()), catalog.version(), catalog.last_text_id()

    def remove(self, folder: str | Path) -> int:
        """Remove a folder from the index; the folder itself is not changed. Returns the number of its pictures."""
        from indexer.ingest.update import remove

        return remove(self._opened.open(), parse_path(folder))

    def info(self) -> Info:
        """What is indexed, by which encoder, and the size of the index."""
        return self._opened.info()
