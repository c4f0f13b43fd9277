"""Ask the running server of an index, if there is one."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from cosmos_search.client.errors import NoServerError, ServiceError
from cosmos_search.client.server_file import find_server
from cosmos_search.client.wire import MAX_HITS, Answer
from cosmos_search.retrieval.errors import ExampleImageError
from cosmos_search.retrieval.similarity import is_file, leave_out
from indexer.errors import UsageError
from indexer.places import Place, ServerPlace

__all__ = ["ask_server"]

log = logging.getLogger(__name__)


def ask_server(place: Place, text: str, top: int, **options: Any) -> Answer | None:
    """The answer of the running server of this index; None if there is none, so that the caller searches by itself.

    options: of `Client.search`. Mistakes in the arguments are left to that search, too. Raises ServiceError if the
    server of an index on a PostgreSQL server fails: one process may not have the memory for what its shards hold.
    """
    address = find_server(place)
    if address is None:
        return None
    from cosmos_search.client.client import Client  # with http.client and ssl, which a search without a server spares

    example = options.get("similar_to")
    n = top + 1 if isinstance(example, str | Path) else top
    if n > MAX_HITS:
        return None
    try:
        answer = Client(address.url, address.token).search(text, n, **options)
        if isinstance(example, str | Path):  # which may be an indexed file
            return replace(answer, hits=leave_out(answer.hits, is_file(Path(example)), top))
        return answer
    except (ExampleImageError, UsageError):  # the caller's own search says it
        return None
    except NoServerError as error:
        log.info("%s", error)
    except ServiceError as error:
        if isinstance(place, ServerPlace):
            raise
        log.info("The server at %s: %s", address.url, error)
    return None
