"""The library API: one object for one index. The command line and the page are skins over it."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, RLock
from types import TracebackType

from PIL import Image
from platformdirs import user_data_path

from cosmos_search.encoders.devices import Device, Precision
from cosmos_search.encoders.load import load_encoder
from cosmos_search.encoders.protocol import Encoder
from cosmos_search.explore.embedding_map import MAX_POINTS, Atlas, draw_atlas
from cosmos_search.explore.near_duplicates import MIN_COSINE, near_duplicates
from cosmos_search.models.store import default_model
from cosmos_search.retrieval.encode import Example
from cosmos_search.retrieval.hits import Hit
from cosmos_search.retrieval.query import parse_query
from cosmos_search.retrieval.search import search
from indexer.errors import CosmosSearchError, PictureError, UsageError
from indexer.files import expand_home
from indexer.ingest.scan_plan import real_path, resolve_folder
from indexer.ingest.update import Report, remove, update
from indexer.pictures.images import DEFAULT_MAX_PIXELS, open_picture, reading_pictures
from indexer.pictures.regions import WHOLE, Box
from indexer.store.facets import Facets
from indexer.store.filters import Filters
from indexer.store.index import Index
from indexer.store.records import EncoderRecord, FailedFile, Folder, PictureRecord

__all__ = ["Info", "Library", "default_place", "open"]


EXAMPLE_SIDE = 1024  # pixels that an example keeps, for boxes within it


@dataclass(frozen=True, slots=True)
class Info:
    """What is indexed."""

    place: Path
    encoder: EncoderRecord | None
    folders: list[Folder]
    n_pictures: int  # different ones; copies count once
    failed: list[FailedFile]
    size_bytes: dict[str, int]  # "catalog", "vectors"


def default_place() -> Path:
    """COSMOS_SEARCH_INDEX, unless it is empty, else a directory among the user's data."""
    named = os.environ.get("COSMOS_SEARCH_INDEX")
    return _typed(named) if named else user_data_path("cosmos-search") / "index"


def open(
    place: str | Path | None = None,
    *,
    model: str | None = None,
    device: Device = "auto",
    precision: Precision = "auto",
    encoder: Encoder | None = None,
) -> "Library":
    """The library whose index is at `place` (default: `default_place()`). Nothing is made until `add`.

    model: the name of the encoder; left out, it is the one that made the index, or the default for a new one.
    device: "auto", "cpu", "cuda" or "mps"; precision: "auto", "fp32", "bf16", "fp16" or "int8".
    encoder: an encoder of your own instead.
    """
    where = _typed(place) if place is not None else default_place()

    def load(recorded: str | None) -> Encoder:
        return load_encoder(model or recorded or default_model(), device, precision)

    return Library(where, encoder, load)


class Library:
    """Pictures that can be searched. Use it from any thread; close it, or use it as a context manager."""

    def __init__(self, place: Path, encoder: Encoder | None, load: Callable[[str | None], Encoder]) -> None:
        """load: makes the encoder where none is given; it is told the name of the one that made the index, if any."""
        self.place = place.absolute()
        self._given = encoder
        self._load = load
        self._loaded: tuple[str | None, Encoder] | None = None  # with the name that the index recorded then
        self._index: Index | None = None
        self._guard = RLock()  # of the encoder and the index while they are opened or closed

    def __enter__(self) -> "Library":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def exists(self) -> bool:
        """Whether there is an index already."""
        return Index.is_at(self.place)

    def close(self) -> None:
        """Let go of the index's files; the next call opens them again."""
        with self._guard:
            if self._index is not None:
                self._index.close()
                self._index = None

    @property
    def encoder(self) -> Encoder:
        """The encoder, loaded on first use. An index remembers the name of the one that made it.

        Where another process has changed the index over to another model, that one is loaded.
        """
        if self._given is not None:
            return self._given
        with self._guard:
            recorded = self._recorded_model()
            if self._loaded is None or recorded not in (None, self._loaded[0], self._loaded[1].name):
                self._loaded = recorded, self._load(recorded)
            return self._loaded[1]

    def add(
        self,
        *folders: str | Path,
        rebuild: bool = False,
        regions: str | None = None,
        max_pixels: int | None = DEFAULT_MAX_PIXELS,
        exclude: Sequence[str] | None = None,
        forget_missing: bool = False,
        on_progress: Callable[[Report], None] = lambda report: None,
        stop: Event | None = None,
    ) -> Report:
        """Index what is new or changed in these folders, or in all that are indexed.

        See `indexer.ingest.update.update`.
        """
        paths = [resolve_folder(_typed(folder)) for folder in folders]
        encoder = self.encoder  # a mistake in its name, too, is found before anything is made
        if not paths:
            self._opened()
        return update(
            self._made(),
            encoder,
            paths,
            rebuild=rebuild,
            regions=regions,
            max_pixels=max_pixels,
            exclude=exclude,
            forget_missing=forget_missing,
            on_progress=on_progress,
            stop=stop,
        )

    def walked(
        self, folders: Sequence[str | Path] = (), exclude: Sequence[str] | None = None
    ) -> list[tuple[Path, Sequence[str]]]:
        """The folders that `add` would walk, each with the patterns of what it leaves out."""
        indexed: list[Folder] = []
        if self.exists():
            with self._opened().reading() as catalog:
                indexed = catalog.folders()
        paths = [real_path(Path(folder)) for folder in folders] or [folder.path for folder in indexed]
        kept = {path: [p for f in indexed if path.is_relative_to(f.path) for p in f.exclude] for path in paths}
        return [(path, kept[path] if exclude is None else exclude) for path in paths]

    def search(
        self,
        text: str = "",
        top: int = 10,
        *,
        like: str | Path | Image.Image | None = None,
        box: Box | None = None,
        filters: Filters | None = None,
        include_unlikely: bool = False,
    ) -> list[Hit]:
        """The best `top` pictures for a query, best first; none: nothing here matches.

        text: sentences, signs, weights, places, as `cosmos-search search --help` shows.

        like: a picture to find the like of, or the `box` of it; a text may be added. filters: what else must hold.
        include_unlikely: also hits whose score is below the encoder's cut-off.
        Raises UsageError for a query that can't be read.
        """
        index = self._opened()
        query = parse_query(text) if text.strip() or like is None else None
        example = None if like is None else Example(_picture(like), box or WHOLE)
        return search(
            index, self.encoder, query, example=example, top=top, filters=filters, include_unlikely=include_unlikely
        )

    def browse(self, filters: Filters | None = None, *, start: int = 0, n: int = 60) -> list[PictureRecord]:
        """`n` pictures without a query, from the `start`-th (0 is the first): newest first, undated ones last.

        Behind the last picture the list is empty. Raises UsageError for a `start` below 0 or an `n` below 1.
        """
        if start < 0 or n < 1:
            raise UsageError(f"There are no {n} pictures from number {start} on; a page has 1 or more, from 0 on.")
        with self._opened().reading_pictures() as catalog:
            return catalog.newest(filters or Filters(), start, n)

    def n_matching(self, filters: Filters | None = None) -> int:
        """How many pictures pass the filters."""
        with self._opened().reading_pictures() as catalog:
            return catalog.n_matching(filters or Filters())

    def facets(self, filters: Filters | None = None) -> Facets:
        """How many pictures each camera, year, orientation, directory and size has among those that pass.

        Each of the five is counted as if its own filter were not set: it shows what else it could be set to.
        """
        with self._opened().reading_pictures() as catalog:
            return catalog.facets(filters or Filters())

    def near_duplicates(
        self, min_cosine: float = MIN_COSINE, *, on_progress: Callable[[float], None] = lambda share: None
    ) -> list[tuple[PictureRecord, ...]]:
        """Groups of pictures that look alike, the largest groups first, the members by date.

        Files with the same content are one picture and no group. on_progress: told the share that is done, 0..1.
        See `cosmos_search.explore.near_duplicates.near_duplicates`.
        """
        return near_duplicates(self._opened(), min_cosine, on_progress)

    def atlas(self, vocabulary: Sequence[str] | None = None, max_points: int = MAX_POINTS) -> Atlas:
        """A map of the pictures, or of `max_points` of them, with like ones close together, and its regions named.

        vocabulary: what a region may be named; left out, a few hundred everyday words. It takes up to half a minute.
        """
        return draw_atlas(self._opened(), self.encoder, vocabulary, max_points)

    def picture(self, id_: int) -> PictureRecord | None:
        """An indexed picture by its id; None if it isn't indexed, or no more."""
        with self._opened().reading() as catalog:
            return catalog.pictures([id_]).get(id_)

    def pictures(self, ids: Sequence[int]) -> list[PictureRecord]:
        """Those of these pictures that are indexed, in this order."""
        with self._opened().reading() as catalog:
            found = catalog.pictures(ids)
        return [found[id_] for id_ in ids if id_ in found]

    def n_pictures(self) -> int:
        """How many different pictures are indexed; 0 before there is an index."""
        if not self.exists():
            return 0
        with self._opened().reading() as catalog:
            return catalog.n_pictures()

    def stamp(self) -> tuple[int, ...]:
        """Another one whenever pictures came or went, or the index was replaced by another."""
        index = self._opened()
        with index.reading() as catalog:
            return *(index.identity or ()), catalog.version()

    def remove(self, folder: str | Path) -> int:
        """Forget an indexed folder, and never touch it; returns how many files it had."""
        return remove(self._opened(), _typed(folder))

    def info(self) -> Info:
        """What is indexed, with what, and how large it is."""
        index = self._opened()
        with index.reading() as catalog:
            return Info(
                place=self.place,
                encoder=catalog.encoder(),
                folders=catalog.folders(),
                n_pictures=catalog.n_pictures(),
                failed=catalog.failures(),
                size_bytes=index.size_bytes(),
            )

    def _opened(self) -> Index:
        return self._current(Index.open)

    def _made(self) -> Index:
        return self._current(Index.create)

    def _current(self, open_index: Callable[[Path], Index]) -> Index:
        """The opened index, if it is still the one at its place (others may delete it, or make it anew), else again."""
        with self._guard:
            if self._index is not None and not self._index.is_current():
                self.close()
            if self._index is None:
                self._index = open_index(self.place)
            return self._index

    def _recorded_model(self) -> str | None:
        if not self.exists():
            return None
        with self._opened().reading() as catalog:
            encoder = catalog.encoder()
        return None if encoder is None else encoder.name


def _typed(path: str | Path) -> Path:
    """A path as a user writes it, with ~ for the home. Raises UsageError for an empty text or an unknown user."""
    if not str(path).strip():
        raise UsageError("The path is empty; name a folder.")
    return expand_home(path)


def _picture(like: str | Path | Image.Image) -> Image.Image:
    """Upright and in RGB. Raises CosmosSearchError for a file that is no picture."""
    if isinstance(like, Image.Image):
        return like.convert("RGB")
    try:
        if Path(like).exists() and not Path(like).is_file():  # a pipe or a device would be waited for
            raise PictureError("it is not a file")
        with reading_pictures(), Path(like).open("rb") as file:
            return open_picture(file, min_side=EXAMPLE_SIDE).image
    except (OSError, PictureError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CosmosSearchError(f"The picture {like} can't be used: {reason}.") from error
