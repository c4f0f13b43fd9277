"""A search on shards: the query is encoded here, ranked there, and presented from the catalog on the server."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from cluster.shards import Shards
from cosmos_search.client.wire import Answer, Search
from cosmos_search.cluster_errors import MissingShardsError
from cosmos_search.encoders.protocol import Encoder, require_made_by
from cosmos_search.library import Library
from cosmos_search.retrieval.encode import encode
from cosmos_search.retrieval.errors import HitCountError
from cosmos_search.retrieval.present import present, present_newest
from cosmos_search.retrieval.query import parse_query
from cosmos_search.retrieval.text_matches import match_texts
from indexer.store.catalog import Catalog
from indexer.store.errors import EmptyIndexError
from indexer.store.filter_record import Filters
from indexer.store.index import Index
from indexer.store.records import EncoderRecord, PictureRecord, TextLine
from indexer.store.texts import WordMatches

__all__ = ["Searcher"]


@dataclass(frozen=True, slots=True)
class _Records:
    """Implements indexer.store.protocol.Records without vectors."""

    encoder: EncoderRecord
    catalog: Catalog

    def pictures(self, ids: Sequence[int]) -> dict[int, PictureRecord]:
        return self.catalog.pictures(ids)

    def n_pictures(self) -> int:
        return self.catalog.n_pictures()

    def newest(self, filters: Filters, start: int, n: int) -> list[PictureRecord]:
        return self.catalog.newest(filters, start, n)

    def texts_of(self, ids: Sequence[int]) -> dict[int, list[TextLine]]:
        return self.catalog.texts_of(ids)

    def find_word(self, word: str, limit: int) -> WordMatches | None:
        return self.catalog.find_word(word, limit)


class Searcher:
    """Answers searches with shards. Thread-safe. Use it as a context manager."""

    def __init__(self, library: Library, shards: Shards) -> None:
        """library: of the same index; it has the encoder, and stays open."""
        self._shards = shards
        self._library = library
        self._index = Index.open(library.place)

    def __enter__(self) -> "Searcher":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._index.close()

    def search(self, wanted: Search) -> Answer:
        """Like `Library.search`, with the same scores. Raises the same errors."""
        if wanted.top < 1:
            raise HitCountError(wanted.top)
        query = parse_query(wanted.text) if wanted.text.strip() or wanted.example is None else None
        encoder = self._library.encoder
        with self._index.reading_pictures() as catalog:
            record = self._require_made_by(catalog, encoder)
            if query is not None and not query.terms and wanted.example is None:
                return Answer(present_newest(_Records(record, catalog), query, wanted.filters, wanted.top))
        encoded = encode(encoder, query, wanted.example)
        with self._index.reading() as catalog:  # a word is rare or not in all shards together
            levels = match_texts(_Records(record, catalog), encoded)
        ranking = self._shards.rank(encoded, wanted.top, wanted.filters, levels)
        calibration = encoder.calibration if wanted.example is None else None
        with self._index.reading() as catalog:
            records = _Records(record, catalog)
            hits = present(records, encoded, ranking.scores, calibration, include_unlikely=wanted.include_unlikely)
        missing = MissingShardsError(ranking.missing, self._shards.n_shards) if ranking.missing else None
        return Answer(hits, missing)

    def _require_made_by(self, catalog: Catalog, encoder: Encoder) -> EncoderRecord:
        record = catalog.encoder()
        if record is None:
            raise EmptyIndexError(self._index.place)
        require_made_by(encoder, record)
        return record
