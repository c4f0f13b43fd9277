"""A search in three steps: encode the query, rank the pictures, present them as hits."""

from math import inf

from cosmos_search.encoders.protocol import Encoder, require_made_by
from cosmos_search.retrieval.encode import encode
from cosmos_search.retrieval.errors import HitCountError
from cosmos_search.retrieval.example_image import ExampleImage
from cosmos_search.retrieval.hits import Hit
from cosmos_search.retrieval.present import find_floor, present, present_newest
from cosmos_search.retrieval.query import Query
from cosmos_search.retrieval.rank import rank
from cosmos_search.retrieval.text_matches import match_texts
from indexer.store.errors import EmptyIndexError
from indexer.store.filter_record import Filters
from indexer.store.protocol import Snapshot, Store

__all__ = ["search"]


def search(
    store: Store,
    encoder: Encoder,
    query: Query | None,
    *,
    example: ExampleImage | None = None,
    top: int = 10,
    filters: Filters | None = None,
    include_unlikely: bool = False,
) -> list[Hit]:
    """The best `top` pictures, best first; equal scores in a fixed order. An empty list: no picture matches.

    include_unlikely: also hits whose score is below the encoder's cut-off.
    Raises HitCountError for a `top` below 1, CosmosSearchError for an empty index or one of another encoder.
    """
    if top < 1:
        raise HitCountError(top)
    with store.snapshot() as snapshot:
        records = _require_searchable(snapshot, store, encoder)
        if query is not None and not query.terms and example is None:
            return present_newest(records, query, filters, top)
    encoded = encode(encoder, query, example)  # the slowest step: no snapshot is held during it
    with store.snapshot() as snapshot:
        snapshot = _require_searchable(snapshot, store, encoder)
        calibration = encoder.calibration if example is None else None
        floor = -inf if include_unlikely else find_floor(encoded, calibration)
        scores = rank(snapshot, encoded, top, filters, match_texts(snapshot, encoded), floor)
        return present(snapshot, encoded, scores, calibration, include_unlikely=include_unlikely)


def _require_searchable(snapshot: Snapshot | None, store: Store, encoder: Encoder) -> Snapshot:
    """The snapshot. Raises CosmosSearchError if the store is empty or was made by another encoder."""
    if snapshot is None or not snapshot.n_rows:
        raise EmptyIndexError(store.place)
    require_made_by(encoder, snapshot.encoder)
    return snapshot
