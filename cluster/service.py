"""The HTTP interface of the search service: `POST /v1/search`."""

import json
import secrets
from collections.abc import Callable

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from cluster.wire import Answer, Search, decode_search, encode_answer
from indexer.errors import CosmosSearchError, UsageError

__all__ = ["make_app"]

MAX_BYTES = 64_000_000  # of a search with a picture


def make_app(answer: Callable[[Search], Answer], token: str) -> FastAPI:
    """The application. Every request needs the token as `Authorization: Bearer TOKEN`.

    Status codes: 400 for a mistake in the search, 401 for a wrong token, 413 for a search that is too large, 503 for
    all other errors; the body of 400 and 503 is {"error": sentence}.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)  # their pages load scripts from other sites
    wanted = f"Bearer {token}".encode()

    @app.post("/v1/search")
    async def search(request: Request) -> Response:
        if not secrets.compare_digest(request.headers.get("authorization", "").encode(), wanted):
            return Response(status_code=401)
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_BYTES:
                return Response(status_code=413)
        try:
            found = await run_in_threadpool(lambda: encode_answer(answer(decode_search(bytes(body)))))
        except CosmosSearchError as error:
            status = 400 if isinstance(error, UsageError) else 503
            return Response(json.dumps({"error": str(error)}), status, media_type="application/json")
        return Response(found, media_type="application/json")

    return app
