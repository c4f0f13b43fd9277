"""A search in three steps: encode the query, rank the pictures, present them as hits."""

from cosmos_search.encoders.protocol import Encoder, require_made_by
from cosmos_search.retrieval.encode import Example, encode
from cosmos_search.retrieval.hits import Hit
from cosmos_search.retrieval.present import present
from cosmos_search.retrieval.query import Query
from cosmos_search.retrieval.rank import rank
from indexer.errors import EmptyIndexError, UsageError
from indexer.store.filters import Filters
from indexer.store.protocol import Snapshot, Store

__all__ = ["search"]


def search(
    store: Store,
    encoder: Encoder,
    query: Query | None,
    *,
    example: Example | None = None,
    top: int = 10,
    filters: Filters | None = None,
    include_unlikely: bool = False,
) -> list[Hit]:
    """The best `top` pictures, best first; equal scores keep one order. An empty list: nothing matches.

    include_unlikely: also hits whose score is below the encoder's cut-off. Raises UsageError for a `top` below 1,
    CosmosSearchError when another encoder made the index.
    """
    if top < 1:
        raise UsageError(f"{top} hits can't be shown; ask for 1 or more: -n 10")
    with store.snapshot() as snapshot:
        _check(snapshot, store, encoder)
    encoded = encode(encoder, query, example)  # takes longest, so no snapshot is held meanwhile
    with store.snapshot() as snapshot:
        snapshot = _check(snapshot, store, encoder)
        scores = rank(snapshot, encoded, top, filters)
        calibration = encoder.calibration if example is None else None
        return present(snapshot, encoded, scores, calibration, include_unlikely=include_unlikely)


def _check(snapshot: Snapshot | None, store: Store, encoder: Encoder) -> Snapshot:
    """Raise CosmosSearchError unless this encoder made the index, and there is something in it."""
    if snapshot is None or not snapshot.n_rows:
        raise EmptyIndexError(store.place)
    require_made_by(encoder, snapshot.encoder)
    return snapshot
