"""Indexing: POST /v1/index starts it, GET /v1/index/events follows it, DELETE /v1/index stops it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from anyio import sleep
from fastapi import APIRouter, Response
from starlette.responses import StreamingResponse

from cosmos_search.server.answer_schemas import IndexAnswer
from cosmos_search.server.answers import make_json
from cosmos_search.server.errors import IndexingRunningError
from cosmos_search.server.request_schemas import IndexRequest
from cosmos_search.server.service import Service
from indexer.ingest.scan_plan import resolve_folder
from indexer.store.errors import NoIndexError

__all__ = ["make_indexing_routes"]

POLL_S = 0.25
IDLE = {"is_running": False, "is_stopping": False, "n_files": None, "fraction": 0.0, "seconds_left": None}
EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Events progress, and at the end one event end"}
}


def make_indexing_routes(service: Service) -> APIRouter:
    """The routes of the indexing job, of which there is one at a time."""
    routes = APIRouter(prefix="/v1", tags=["indexing"])

    @routes.post("/index", status_code=202, response_model=IndexAnswer, summary="Start indexing")
    async def start(request: IndexRequest) -> Response:
        def begin() -> None:
            if not request.folders and not service.library.exists():
                raise NoIndexError(service.library.place)
            if not service.indexing.start([resolve_folder(Path(folder)) for folder in request.folders]):
                raise IndexingRunningError

        await service.workers.run(begin)
        return make_json(_describe(service), 202)

    @routes.get("/index", response_model=IndexAnswer, summary="The current or last indexing job")
    async def read() -> Response:
        return make_json(_describe(service))

    @routes.delete("/index", response_model=IndexAnswer, summary="Stop indexing after the current batch")
    async def stop() -> Response:
        if service.indexing.job is not None:
            service.indexing.job.stop()
        return make_json(_describe(service))

    @routes.get("/index/events", response_class=Response, responses=EVENTS, summary="Follow the indexing job")
    async def follow() -> Response:
        """Server-sent events; the data of each is that of GET /v1/index."""
        return StreamingResponse(_list_events(service), media_type="text/event-stream")

    return routes


def _describe(service: Service) -> dict[str, Any]:
    job = service.indexing.job
    return IDLE | {"report": None, "error": None} if job is None else job.to_dict()


async def _list_events(service: Service) -> AsyncIterator[str]:
    """An event for each change, and the last one when the job has ended or the server stops."""
    before = None
    while service.indexing.is_running and not service.is_stopping:
        state = _describe(service)
        if state != before:
            yield _format_event("progress", state)
        before = state
        await sleep(POLL_S)
    yield _format_event("end", _describe(service))


def _format_event(name: str, values: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(values)}\n\n"
