"""Indexed pictures: GET /v1/pictures, /v1/facets, /v1/albums, and of one picture its record, JPEGs and original file.

An original is sent only while its content is the one that was indexed, see `cosmos_search.service.originals`.
"""

import mimetypes
import os
from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Response
from fastapi import Path as PathValue
from starlette.responses import StreamingResponse

from cosmos_search.retrieval.nearest_town import add_towns
from cosmos_search.server.answer_schemas import AlbumsAnswer, FacetsAnswer, PictureAnswer, PicturesAnswer
from cosmos_search.server.answers import make_json
from cosmos_search.server.errors import UnknownPictureError
from cosmos_search.server.no_match import explain_empty_answer
from cosmos_search.server.request_schemas import MAX_ID, FilterTexts, PageQuery
from cosmos_search.server.service import Service
from cosmos_search.service.originals import read_chunks
from indexer.errors import PictureError
from indexer.store.records import PictureRecord

__all__ = ["get_picture", "make_picture_routes"]

THUMBNAIL_SIDE, PREVIEW_SIDE = 320, 1600  # pixels of the longer side
PictureId = Annotated[int, PathValue(ge=0, le=MAX_ID)]
JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}, "description": "A JPEG"}}


def make_picture_routes(service: Service) -> APIRouter:
    """The routes of pictures."""
    routes = APIRouter(prefix="/v1", tags=["pictures"])

    @routes.get("/pictures", response_model=PicturesAnswer, summary="A page of pictures, newest first")
    async def list_pictures(query: Annotated[PageQuery, Query()]) -> Response:
        def read() -> Response:
            filters = query.parse()
            pictures = service.library.browse(filters, start=query.offset, n=query.limit)
            n = service.library.n_matching(filters)
            records = [picture.to_dict() for picture in pictures]
            add_towns(records)
            no_match = None if n else explain_empty_answer(service.library, query)
            return make_json({"pictures": records, "n_matching": n, "no_match": no_match})

        return await service.workers.run(read)

    @routes.get("/facets", response_model=FacetsAnswer, summary="The values that filters can have, with counts")
    async def count_facets(query: Annotated[FilterTexts, Query()]) -> Response:
        return await service.workers.run(lambda: make_json(service.library.facets(query.parse()).to_dict()))

    @routes.get("/albums", response_model=AlbumsAnswer, summary="The albums of the page")
    async def list_albums() -> Response:
        return await service.workers.run(
            lambda: make_json({"albums": [asdict(album) for album in service.library.albums()]})
        )

    @routes.get("/pictures/{id}", response_model=PictureAnswer, summary="One picture")
    async def read_picture(id: PictureId) -> Response:
        def read() -> Response:
            record = get_picture(service, id).to_dict()
            add_towns([record])
            return make_json(record)

        return await service.workers.run(read)

    @routes.get("/pictures/{id}/thumbnail", response_class=Response, responses=JPEG, summary="A small JPEG")
    async def read_thumbnail(id: PictureId) -> Response:
        """The longer side has at most 320 pixels."""
        return await service.workers.run(lambda: _make_jpeg(service, id, THUMBNAIL_SIDE))

    @routes.get("/pictures/{id}/preview", response_class=Response, responses=JPEG, summary="A large JPEG")
    async def read_preview(id: PictureId) -> Response:
        """The longer side has at most 1600 pixels."""
        return await service.workers.run(lambda: _make_jpeg(service, id, PREVIEW_SIDE))

    @routes.get("/pictures/{id}/original", response_class=Response, summary="The original file")
    async def read_original(id: PictureId) -> Response:
        return await service.workers.run(lambda: _send_original(get_picture(service, id)))

    return routes


def get_picture(service: Service, id_: int) -> PictureRecord:
    """The picture with this id. Raises UnknownPictureError."""
    picture = service.library.picture(id_)
    if picture is None:
        raise UnknownPictureError(id_)
    return picture


def _make_jpeg(service: Service, id_: int, side: int) -> Response:
    data = service.thumbnails.get(get_picture(service, id_), side)
    if data is None:
        raise PictureError("The file was deleted or changed since it was indexed.")
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def _send_original(picture: PictureRecord) -> Response:
    """A response that sends the checked file."""
    try:
        n_bytes, chunks = read_chunks(picture)
    except PictureError as error:
        raise PictureError(f"The file can't be sent: {error}.") from error
    name = picture.paths[0].name
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(os.fsencode(name))}",
        "Content-Length": str(n_bytes),
    }
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return StreamingResponse(chunks, headers=headers, media_type=kind)
