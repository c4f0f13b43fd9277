"""Changes that the grid asks for: add a picture to an album or remove it, show its folder. Never changes a file."""

import json
from typing import Any

import click
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cosmos_search.service.originals import is_available
from indexer.errors import PictureError, UsageError
from ui.routes.answers import explain_errors, make_error, make_json
from ui.routes.picture_routes import find_picture
from ui.session.albums import change_album
from ui.session.shared import shared_resources

__all__ = ["make_album_routes"]

MAX_BODY_BYTES = 4096


def make_album_routes(prefix: str, *, is_local: bool) -> list[Route]:
    """is_local: the page is opened on the computer that has the files, so that it can show their folder."""

    async def change_album(request: Request) -> Response:
        body = await _read_json(request)
        return await run_in_threadpool(explain_errors(lambda _: _change_album(request, body)), request)

    def open_folder(request: Request) -> Response:
        if not is_local:
            return make_error(403, "Folders are shown only on the computer that runs this page.")
        picture = find_picture(request, shared_resources())
        path = next(filter(is_available, picture.paths), None)
        if path is None:
            raise PictureError("The file was deleted since it was indexed")
        return make_json({"status": click.launch(str(path), locate=True)})

    return [
        Route(f"{prefix}/{{id:int}}/albums", change_album, methods=["POST"]),
        Route(f"{prefix}/{{id:int}}/folder", explain_errors(open_folder), methods=["POST"]),
    ]


def _change_album(request: Request, body: Any) -> Response:
    shared = shared_resources()
    picture = find_picture(request, shared)
    name, is_in = (body.get("name"), body.get("is_in")) if isinstance(body, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(is_in, bool):
        raise UsageError("The request has to have a name and is_in.")
    change_album(shared, name, [picture.id], is_in=is_in)
    return make_json({"is_in": is_in})


async def _read_json(request: Request) -> Any:
    """The body of a request; None if it is too long or not JSON."""
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY_BYTES:
            return None
    try:
        return json.loads(content)
    except ValueError:
        return None
