"""Ask a running search service. Needs neither Ray nor an encoder."""

import json
import logging
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from cluster.service_file import ServiceAddress, read_address
from cluster.wire import Answer, Search, decode_answer, encode_search
from cosmos_search.cluster_errors import ServiceError
from cosmos_search.retrieval.example_image import read_example_image
from cosmos_search.retrieval.query import parse_query
from indexer.pictures.regions import Box
from indexer.places import ServerPlace
from indexer.store.filter_record import Filters
from indexer.store.index import Index

__all__ = ["ask_service"]

TIMEOUT_S = 60.0

log = logging.getLogger(__name__)


def ask_service(
    place: ServerPlace,
    text: str,
    top: int,
    *,
    similar_to: Path | None = None,
    box: Box | None = None,
    filters: Filters | None = None,
    include_unlikely: bool = False,
) -> Answer | None:
    """The answer of the service of this catalog; None if none runs on this machine for this user.

    Raises ServiceError if it refuses, and the errors of `Library.search` for mistakes in the arguments.
    """
    index = Index.open(place)
    index.close()
    address = read_address(index.identity or ())
    if address is None:
        return None
    if text.strip() or similar_to is None:
        parse_query(text)
    example = None if similar_to is None else read_example_image(similar_to, box)
    search = Search(text, top, example, filters, include_unlikely)
    try:
        return _post(address, encode_search(search))
    except (OSError, HTTPException, LookupError, TypeError, ValueError) as error:  # it ended, or is another program
        log.info("The search service at %s:%d does not answer: %s", address.host, address.port, error)
        return None


def _post(address: ServiceAddress, body: bytes) -> Answer:
    connection = HTTPConnection(address.host, address.port, timeout=TIMEOUT_S)
    try:
        headers = {"Authorization": f"Bearer {address.token}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/search", body, headers)
        response = connection.getresponse()
        data = response.read()
    finally:
        connection.close()
    if response.status in (400, 503):
        raise ServiceError(_read_reason(data))
    if response.status != 200:
        raise HTTPException(f"status {response.status}")
    return decode_answer(data)


def _read_reason(data: bytes) -> str:
    return str(json.loads(data)["error"])
