"""The results of a state of the page: hits of a search, or all pictures, newest first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from PIL import Image

from cosmos_search.retrieval.hits import Hit
from cosmos_search.retrieval.similarity import Levels, find_levels, leave_out
from cosmos_search.service.originals import read_upright
from indexer.errors import PictureError, UsageError
from indexer.pictures.regions import Box
from indexer.store.records import PictureRecord
from indexer.store.shapes import PictureShape
from ui.session.atlas import find_cluster
from ui.session.shared import SharedResources
from ui.session.state import State

__all__ = ["EXAMPLE_SIDE", "N_HITS", "N_SORTED", "ExamplePicture", "FirstResults", "crop", "find_example",
           "find_first", "find_hit", "find_part", "find_shapes", "get_levels", "is_by_date", "is_search"]  # fmt: skip

EXAMPLE_SIDE = 1024  # pixels of an example
N_FIRST = 60  # pictures that are sent with the page; the others are requested when they are scrolled to
N_HITS = 10_000  # hits that can be scrolled to
N_SORTED = 1000  # hits that are sorted by date
N_BROWSED = 100_000  # pictures that can be scrolled to without a search


@dataclass(frozen=True, slots=True)
class ExamplePicture:
    """An example picture that is loaded when the search needs it."""

    load: Callable[[], Image.Image]  # raises UsageError if the file is missing
    key: str  # cache key of its content


@dataclass(frozen=True, slots=True)
class FirstResults:
    """The results with which the page begins."""

    pictures: Sequence[Hit] | Sequence[PictureRecord]  # the first ones
    shapes: Sequence[PictureShape]  # of these and some more
    n: int | None  # all results; None: more than there are shapes


def find_example(shared: SharedResources, state: State, upload: str | None) -> ExamplePicture | None:
    """The example picture, if there is one. Raises UsageError if it is not available any more.

    upload: the key of an uploaded picture; used if the state names no indexed one.
    """
    if state.similar_to is not None:
        record = shared.library.picture(state.similar_to)
        if record is None:
            raise UsageError("The example picture is not indexed any more.")
        return ExamplePicture(lambda: _load_indexed(record, state.box), f"{record.fingerprint}-{state.box}")
    if upload is None:
        return None

    def load() -> Image.Image:
        found: Image.Image = shared.uploads.get(upload, _miss_upload)
        return found

    return ExamplePicture(load, upload)


def find_first(shared: SharedResources, state: State, example: ExamplePicture | None) -> FirstResults:
    """The first results. Raises UsageError for an invalid query."""
    if is_search(state, example):
        hits = _search_first(shared, state, example)
        n = len(hits) if is_by_date(state, example) or len(hits) < N_FIRST else None
        return FirstResults(hits[:N_FIRST], [_make_shape(hit.picture) for hit in hits], n)
    if state.shown_cluster is not None:
        pictures = find_cluster(shared, state.shown_cluster)
        return FirstResults(pictures[:N_FIRST], [_make_shape(one) for one in pictures[:N_FIRST]], len(pictures))
    filters = state.filters
    found = shared.get_or_compute("browse", lambda: shared.library.browse(filters, n=N_FIRST), filters)
    n = shared.get_or_compute("n_matching", lambda: shared.library.n_matching(filters), filters)
    return FirstResults(found, [_make_shape(picture) for picture in found], min(n, N_BROWSED))


def find_shapes(shared: SharedResources, state: State, example: ExamplePicture | None) -> Sequence[PictureShape]:
    """The shapes of all results, in order."""
    if is_search(state, example):
        return [_make_shape(hit.picture) for hit in _search_deep(shared, state, example)]
    if state.shown_cluster is not None:
        return [_make_shape(picture) for picture in find_cluster(shared, state.shown_cluster)]
    filters = state.filters
    return shared.get_or_compute("shapes", lambda: shared.library.newest_shapes(filters, N_BROWSED), filters)


def find_part(
    shared: SharedResources, state: State, example: ExamplePicture | None, start: int, n: int
) -> Sequence[Hit] | Sequence[PictureRecord]:
    """`n` results from position `start` on (0 is the first)."""
    if is_search(state, example):
        return _search_deep(shared, state, example)[start : start + n]
    if state.shown_cluster is not None:
        return find_cluster(shared, state.shown_cluster)[start : start + n]
    return shared.library.browse(state.filters, start=start, n=n)


def find_hit(shared: SharedResources, state: State, example: ExamplePicture | None, picture_id: int) -> Hit | None:
    """The hit of a picture, which says why it is found; None without a search, or if it is not among the hits."""
    if not is_search(state, example):
        return None
    for search in (_search_first, _search_deep):
        for hit in search(shared, state, example):
            if hit.picture.id == picture_id:
                return hit
    return None


def get_levels(shared: SharedResources, found: Sequence[Hit] | Sequence[PictureRecord]) -> Levels | None:
    """The levels at which similar pictures are named; None if these are no hits, or without levels for the encoder."""
    return find_levels(shared.library.encoder.name) if found and isinstance(found[0], Hit) else None


def is_search(state: State, example: ExamplePicture | None) -> bool:
    """True if the results are hits of a search. Raises UsageError for an invalid query."""
    return example is not None or (bool(state.query) and not state.excluded_texts)


def is_by_date(state: State, example: ExamplePicture | None) -> bool:
    """True if the results are in the order of their dates."""
    return state.sort == "date" or not (is_search(state, example) or state.shown_cluster is not None)


def crop(picture: Image.Image, box: Box | None) -> Image.Image:
    """The part of a picture, or the whole picture."""
    return picture if box is None else picture.crop(box.pixels(*picture.size))


def _search_first(shared: SharedResources, state: State, example: ExamplePicture | None) -> Sequence[Hit]:
    return _search(shared, state, example, N_SORTED if is_by_date(state, example) else N_FIRST)


def _search_deep(shared: SharedResources, state: State, example: ExamplePicture | None) -> Sequence[Hit]:
    """All hits that can be scrolled to; the first search if it found all."""
    first = _search_first(shared, state, example)
    return first if is_by_date(state, example) or len(first) < N_FIRST else _search(shared, state, example, N_HITS)


def _search(shared: SharedResources, state: State, example: ExamplePicture | None, top: int) -> Sequence[Hit]:
    filters, by_date = state.filters, state.sort == "date"

    def search() -> Sequence[Hit]:
        picture = None if example is None else example.load()
        hits = shared.library.search(
            state.query, top + 1, similar_to=picture, filters=filters, include_unlikely=state.all
        )
        hits = leave_out(hits, lambda hit: hit.picture.id == state.similar_to, top)
        return sorted(hits, key=_get_date, reverse=True) if by_date else hits

    return shared.get_or_compute(
        "search", search, state.query, top, example and example.key, filters, state.all, by_date
    )


def _get_date(hit: Hit) -> datetime:
    return hit.facts.metadata.taken_at or datetime.min


def _make_shape(picture: PictureRecord) -> PictureShape:
    return PictureShape(picture.id, picture.facts.width, picture.facts.height, picture.facts.metadata.taken_at)


def _load_indexed(record: PictureRecord, box: Box | None) -> Image.Image:
    try:
        return crop(read_upright(record, EXAMPLE_SIDE), box)
    except PictureError as error:
        raise UsageError(f"The example picture can't be used: {error}.") from error


def _miss_upload() -> Image.Image:
    raise UsageError("The uploaded picture is not kept any more; choose it again.")
