"""Responses: records as JSON, and errors as one sentence with the status code of their class."""

import json
import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route

from cosmos_search.client.errors import ServiceError
from cosmos_search.extras import MissingExtraError
from cosmos_search.server.errors import BusyError, IndexingRunningError, StoppingError, UnknownPictureError
from indexer.errors import CosmosSearchError, OtherEncoderError, PictureError, UsageError
from indexer.ingest.errors import FolderError, NoFoldersError
from indexer.store.errors import EmptyIndexError, IndexBusyError, NoIndexError, NotAnIndexedFolderError, StorageError

__all__ = ["add_error_handlers", "make_error", "make_json"]

# Of an error's class, or of its nearest base.
STATUS: dict[type[CosmosSearchError], int] = {
    CosmosSearchError: 500,
    UsageError: 400,
    FolderError: 422,
    NoFoldersError: 400,
    NotAnIndexedFolderError: 400,
    UnknownPictureError: 404,
    NoIndexError: 409,
    EmptyIndexError: 409,
    IndexBusyError: 409,
    OtherEncoderError: 409,
    IndexingRunningError: 409,
    PictureError: 410,
    MissingExtraError: 501,
    BusyError: 503,
    ServiceError: 503,
    StoppingError: 503,
    StorageError: 503,
}
RETRY_AFTER_S = 1
SENTENCES = {404: "There is no such route.", 405: "This route has no such method."}

log = logging.getLogger(__name__)


def make_json(values: Any, status: int = 200) -> Response:
    """A JSON response in ASCII, because paths may have lone surrogates."""
    return Response(json.dumps(values, allow_nan=False), status, media_type="application/json")


def make_error(status: int, sentence: str) -> Response:
    """The response {"error": sentence}."""
    response = make_json({"error": sentence}, status)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def add_error_handlers(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Answer errors of the library, of the arguments and of routes with one sentence. routes: all of the app."""

    @app.exception_handler(CosmosSearchError)
    async def answer_error(request: Request, error: CosmosSearchError) -> Response:
        status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
        return make_error(status, str(error))

    @app.exception_handler(RequestValidationError)
    async def answer_wrong_arguments(request: Request, error: RequestValidationError) -> Response:
        if request.method == "POST" and "json" not in request.headers.get("content-type", ""):
            return make_error(400, "Send JSON, with the header Content-Type: application/json.")
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
        return make_error(400, f"{place or 'The request'}: {first['msg']}."[:300])

    @app.exception_handler(HTTPException)
    async def answer_http_error(request: Request, error: HTTPException) -> Response:
        response = make_error(error.status_code, SENTENCES.get(error.status_code) or f"{error.detail}.")
        if error.status_code == 405:
            response.headers["Allow"] = ", ".join(sorted(_list_methods(routes, request)))
        return response

    @app.exception_handler(Exception)  # Starlette raises it again afterwards, and the guard logs it
    async def answer_bug(request: Request, error: Exception) -> Response:
        return make_error(500, "The server failed; its log has the reason.")


def _list_methods(routes: Sequence[BaseRoute], request: Request) -> set[str]:
    """The methods of the routes with the path of the request."""
    found = [route for route in routes if isinstance(route, Route) and route.matches(request.scope)[0] != Match.NONE]
    methods = {method for route in found for method in route.methods or ()}
    return methods | {"HEAD"} if "GET" in methods else methods
