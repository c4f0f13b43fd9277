"""Answers of the routes: JSON, and errors as one sentence with the status of their class."""

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from cosmos_search.extras import MissingExtraError
from indexer.errors import CosmosSearchError, PictureError, UsageError
from ui.escape import replace_surrogates
from ui.views.advice import describe_error

__all__ = ["Handler", "explain_errors", "make_error", "make_json"]

Handler = Callable[[Request], Response]
STATUS: dict[type[CosmosSearchError], int] = {
    CosmosSearchError: 500,
    UsageError: 400,
    PictureError: 410,
    MissingExtraError: 501,
}


def make_json(values: Any, status: int = 200) -> Response:
    """A JSON response that is not cached; texts in it may have lone surrogates."""
    return Response(
        json.dumps(values, allow_nan=False, separators=(",", ":")),
        status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def make_error(status: int, sentence: str) -> Response:
    """The response {"error": sentence}."""
    return make_json({"error": replace_surrogates(sentence)}, status)


def explain_errors(handler: Handler) -> Handler:
    """The handler, which answers errors of the library with their sentence."""

    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except CosmosSearchError as error:
            status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
            return make_error(status, describe_error(error))

    return answer
