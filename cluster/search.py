"""A search on shards: the query is encoded here, ranked there, and presented from the catalog on the server."""

from collections.abc import Sequence
from dataclasses import dataclass

from cluster.shards import Shards
from cosmos_search.cluster_errors import MissingShardsError
from cosmos_search.encoders.protocol import Encoder, require_made_by
from cosmos_search.retrieval.encode import encode
from cosmos_search.retrieval.errors import HitCountError
from cosmos_search.retrieval.example_image import ExampleImage
from cosmos_search.retrieval.hits import Hit
from cosmos_search.retrieval.present import present
from cosmos_search.retrieval.query import Query
from indexer.errors import EmptyIndexError
from indexer.store.catalog import Catalog
from indexer.store.filters import Filters
from indexer.store.index import Index
from indexer.store.records import EncoderRecord, PictureRecord

__all__ = ["Answer", "search_shards"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits, and a warning if some pictures were not searched."""

    hits: list[Hit]
    warning: MissingShardsError | None


@dataclass(frozen=True, slots=True)
class _Records:
    """Implements indexer.store.protocol.Records without vectors."""

    encoder: EncoderRecord
    catalog: Catalog

    def pictures(self, ids: Sequence[int]) -> dict[int, PictureRecord]:
        return self.catalog.pictures(ids)


def search_shards(
    shards: Shards,
    index: Index,
    encoder: Encoder,
    query: Query | None,
    *,
    example: ExampleImage | None = None,
    top: int = 10,
    filters: Filters | None = None,
    include_unlikely: bool = False,
) -> Answer:
    """Like `cosmos_search.retrieval.search.search`, with the same scores. Raises the same errors."""
    if top < 1:
        raise HitCountError(top)
    with index.reading_pictures() as catalog:
        record = catalog.encoder()
        if record is None:
            raise EmptyIndexError(index.place)
        require_made_by(encoder, record)
    encoded = encode(encoder, query, example)
    ranking = shards.rank(encoded, top, filters)
    calibration = encoder.calibration if example is None else None
    with index.reading() as catalog:
        records = _Records(catalog.encoder() or record, catalog)
        hits = present(records, encoded, ranking.scores, calibration, include_unlikely=include_unlikely)
    return Answer(hits, MissingShardsError(ranking.missing, shards.n_shards) if ranking.missing else None)
