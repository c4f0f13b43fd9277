"""The index of a command: its searches go to a running server if there is one, everything else is done here."""

import os
from types import TracebackType
from typing import TYPE_CHECKING, Any

from cosmos_search.client.ask import ask_server
from cosmos_search.client.wire import Answer
from cosmos_search.places import default_place
from indexer.errors import UsageError
from indexer.places import Place
from indexer.store.filter_record import Filters

if TYPE_CHECKING:  # importing the library takes longer than a search through a server
    from cosmos_search.client.client import Client
    from cosmos_search.encoders.protocol import Encoder
    from cosmos_search.library import Library
    from indexer.store.facets import Facets
    from indexer.store.records import PictureRecord

__all__ = ["TOKEN", "ServedLibrary"]

TOKEN = "COSMOS_SEARCH_TOKEN"


class ServedLibrary:
    """The methods of `Library` that `search` and `facets` call. The library is opened when one of them needs it."""

    def __init__(self, place: Place | None, server: str | None) -> None:
        """server: the URL of a server, which then answers everything; None: look for one of this index."""
        self.place = default_place() if place is None else place
        self._client = None if server is None else _connect(server)
        self._library: Library | None = None

    def __enter__(self) -> "ServedLibrary":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._library is not None:
            self._library.close()

    @property
    def encoder(self) -> "Encoder":
        """The encoder, loaded in this process."""
        return self._open().encoder

    def ask(self, text: str, top: int, **options: Any) -> Answer:
        """The answer to a search. options: of `Library.search`."""
        if self._client is not None:
            return self._client.search(text, top, **options)
        answer = ask_server(self.place, text, top, **options)
        if answer is not None:
            return answer
        from cosmos_search.retrieval.language import describe_language

        hits = self._open().search(text, top, **options)
        return Answer(hits, note=describe_language(self.encoder, text))

    def browse(self, filters: Filters, n: int) -> "list[PictureRecord]":
        """The newest pictures that pass the filters."""
        return self._choose().browse(filters, n=n)

    def n_matching(self, filters: Filters | None = None) -> int:
        """Number of pictures that pass the filters."""
        return self._choose().n_matching(filters)

    def n_texts_read(self) -> int:
        """Number of pictures whose texts were read."""
        return self._choose().n_texts_read()

    def facets(self, filters: Filters | None = None) -> "Facets":
        """The values of filters, with their numbers of pictures."""
        return self._choose().facets(filters)

    def _choose(self) -> "Client | Library":
        return self._open() if self._client is None else self._client

    def _open(self) -> "Library":
        if self._client is not None:
            raise UsageError("With --server nothing is computed on this machine; --explain needs the index itself.")
        if self._library is None:
            from cosmos_search.library import open as open_library

            self._library = open_library(self.place)
        return self._library


def _connect(server: str) -> "Client":
    from cosmos_search.client.client import Client

    return Client(server, os.environ.get(TOKEN))
