"""Searching and exploring: POST /v1/search, GET /v1/near-duplicates and /v1/map."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Response

from cosmos_search.client.wire import MAX_HITS, Search, answer_to_dict
from cosmos_search.retrieval.example_image import ExampleImage
from cosmos_search.retrieval.hits import Hit
from cosmos_search.retrieval.nearest_town import add_towns
from cosmos_search.retrieval.query import parse_box
from cosmos_search.retrieval.similarity import leave_out
from cosmos_search.server.answer_schemas import AtlasAnswer, DuplicatesAnswer, SearchAnswer
from cosmos_search.server.answers import make_json
from cosmos_search.server.no_match import explain_empty_answer
from cosmos_search.server.picture_routes import get_picture
from cosmos_search.server.request_schemas import MapQuery, SearchRequest
from cosmos_search.server.service import Service
from cosmos_search.service.originals import read_example
from cosmos_search.service.uploads import decode_upload
from indexer.errors import UsageError
from indexer.pictures.regions import WHOLE

__all__ = ["make_search_routes"]


def make_search_routes(service: Service) -> APIRouter:
    """The routes that rank or group pictures."""
    routes = APIRouter(prefix="/v1", tags=["search"])

    @routes.post("/search", response_model=SearchAnswer, summary="Find pictures by words, by an example, or both")
    async def search(request: SearchRequest) -> Response:
        def find() -> Response:
            answer = service.search(_parse(service, request))
            if request.similar_to is not None:
                answer = replace(answer, hits=_leave_out_example(answer.hits, request))
            no_match = None if answer.hits else explain_empty_answer(service.library, request.filters, request.text)
            values = answer_to_dict(answer, request.offset) | {"no_match": no_match}
            add_towns([hit["picture"] for hit in values["hits"]])
            return make_json(values)

        return await service.workers.run(find)

    @routes.get("/near-duplicates", response_model=DuplicatesAnswer, summary="Copies of pictures, and bursts")
    async def near_duplicates() -> Response:
        """Takes from seconds to minutes after the index has changed."""

        def find() -> Response:
            library = service.library
            found = service.get_or_compute(
                "near duplicates", lambda: library.near_duplicates(on_progress=service.check_running)
            )
            values = found.to_dict()
            add_towns([picture for group in values["groups"] for picture in group["pictures"]])
            return make_json(values)

        return await service.slow_workers.run(find)

    @routes.get("/map", response_model=AtlasAnswer, summary="A map of the pictures with named clusters")
    async def draw_map(query: Annotated[MapQuery, Query()]) -> Response:
        """Takes seconds the first time; later, pictures that were added are placed on the same map."""

        def draw() -> Response:
            n = query.max_points
            return make_json(service.get_or_compute("map", lambda: service.library.atlas(None, n), n).to_dict())

        return await service.slow_workers.run(draw)

    return routes


def _parse(service: Service, request: SearchRequest) -> Search:
    """The search of a request, with its example picture decoded. Raises CosmosSearchError."""
    if request.offset + request.top > MAX_HITS:
        raise UsageError(f"A search has at most {MAX_HITS:,} hits, with those that offset leaves out.")
    example = _read_example(service, request)
    n = request.offset + request.top + (request.similar_to is not None)
    return Search(request.text, n, example, request.filters.parse(), request.include_unlikely)


def _leave_out_example(hits: Sequence[Hit], request: SearchRequest) -> list[Hit]:
    """The hits without the picture that they are to be similar to."""
    return leave_out(hits, lambda hit: hit.picture.id == request.similar_to, request.offset + request.top)


def _read_example(service: Service, request: SearchRequest) -> ExampleImage | None:
    if request.image is None and request.similar_to is None:
        if request.box is not None:
            raise UsageError("A box is a part of an example picture; send similar_to or image as well.")
        return None
    box = WHOLE if request.box is None else parse_box(",".join(map(repr, request.box)))
    if request.similar_to is not None:
        if request.image is not None:
            raise UsageError("Send either similar_to or image.")
        return ExampleImage(read_example(get_picture(service, request.similar_to)), box)
    assert request.image is not None
    try:
        content = b64decode(request.image, validate=True)
    except ValueError as error:
        raise UsageError("The image is not valid base64.") from error
    return ExampleImage(decode_upload(content), box)
