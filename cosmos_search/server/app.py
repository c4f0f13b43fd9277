"""The application: all routes below /v1 behind the guard, and their description in OpenAPI."""

from collections.abc import Collection
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from cosmos_search.server.about_routes import make_about_routes
from cosmos_search.server.answer_schemas import ErrorAnswer
from cosmos_search.server.answers import add_error_handlers
from cosmos_search.server.guard import Guard
from cosmos_search.server.head_requests import HeadRequests
from cosmos_search.server.indexing_routes import make_indexing_routes
from cosmos_search.server.picture_routes import make_picture_routes
from cosmos_search.server.request_schemas import MAX_IMAGE
from cosmos_search.server.search_routes import make_search_routes
from cosmos_search.server.service import Service

__all__ = ["LOCAL_NAMES", "OPENAPI", "make_app"]

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
OPENAPI = "/v1/openapi.json"
ERRORS: dict[int | str, dict[str, Any]] = {"4XX": {"model": ErrorAnswer}, "5XX": {"model": ErrorAnswer}}


def make_app(service: Service, token: str, names: Collection[str] | None = LOCAL_NAMES) -> ASGIApp:
    """The application. names: host names under which the server is reached; None: all."""
    app = FastAPI(
        title="cosmos-search",
        version=version("cosmos-search"),
        openapi_url=OPENAPI,
        docs_url=None,  # these pages load scripts from other sites
        redoc_url=None,
        redirect_slashes=False,  # a path has one form
        responses=ERRORS,
    )
    routers = [
        make(service) for make in (make_search_routes, make_picture_routes, make_indexing_routes, make_about_routes)
    ]
    for router in routers:
        app.include_router(router)
    add_error_handlers(app, [route for router in routers for route in router.routes])
    return Guard(HeadRequests(app), names, token, MAX_IMAGE + (64 << 10), service.metrics)
