"""Bytes of one picture: thumbnail, preview, full size, original file, heat map.

Addresses have the beginning of the fingerprint (`v`), so that browsers may keep what they got: another content has
another address.
"""

import io
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from cosmos_search.retrieval.explain import colour_heat
from cosmos_search.service.originals import open_original, read_chunks
from indexer.errors import PictureError, UsageError
from indexer.store.records import PictureRecord
from ui.components.cards import get_version
from ui.files.downloads import sanitize_name
from ui.routes.answers import explain_errors, make_error
from ui.session.heat import find_heat_map
from ui.session.shared import SharedResources, shared_resources
from ui.session.state import MAX_TEXT

__all__ = ["find_picture", "make_picture_routes"]

SIDES = (320, 640)  # pixels of the longer side of thumbnails
PREVIEW_SIDE = 1920
FULL_SIDE = 8192
HEAT_SIZE = 96, 96  # pixels; the browser stretches it
KEEP = {"Cache-Control": "private, max-age=31536000, immutable"}
# Types that browsers show, by how their files begin. The content decides, not the name.
SHOWN = (
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"ftypavif", 4, "image/avif"),
)


def make_picture_routes(prefix: str) -> list[Route]:
    """The routes below `prefix`/{id}."""
    handlers = {
        "thumbnail": _send_thumbnail,
        "preview": _send_preview,
        "full": _send_full,
        "original": _send_original,
        "heat": _send_heat_map,
    }
    return [Route(f"{prefix}/{{id:int}}/{name}", explain_errors(handler)) for name, handler in handlers.items()]


def find_picture(request: Request, shared: SharedResources) -> PictureRecord:
    """The picture that a request names. Raises PictureError if it is not indexed any more, with this content."""
    picture = shared.library.picture(request.path_params["id"]) if request.path_params["id"] < 1 << 63 else None
    version = request.query_params.get("v")
    if picture is None or version not in (None, get_version(picture)):
        raise PictureError("This picture is not indexed any more")
    return picture


def _send_thumbnail(request: Request) -> Response:
    side = request.query_params.get("side", str(SIDES[0]))
    if side not in map(str, SIDES):
        raise UsageError(f"Thumbnails have {' or '.join(map(str, SIDES))} pixels.")
    return _send_jpeg(request, int(side))


def _send_preview(request: Request) -> Response:
    return _send_jpeg(request, PREVIEW_SIDE)


def _send_jpeg(request: Request, side: int) -> Response:
    shared = shared_resources()
    data = shared.thumbnails.get(find_picture(request, shared), side)
    if data is None:
        return make_error(410, "Deleted or changed since it was indexed.")
    return Response(data, media_type="image/jpeg", headers=KEEP)


def _send_full(request: Request) -> Response:
    """All pixels: the file itself if browsers show its type, otherwise a large JPEG."""
    picture = find_picture(request, shared_resources())
    with open_original(picture) as file:
        kind = _find_type(file.read(16))
    if kind is None:
        return _send_jpeg(request, FULL_SIDE)
    return _stream(picture, kind, KEEP)


def _send_original(request: Request) -> Response:
    """The file as a download."""
    picture = find_picture(request, shared_resources())
    name = quote(sanitize_name(picture.paths[0].name))
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return _stream(picture, "application/octet-stream", headers | {"Cache-Control": "no-store"})


def _send_heat_map(request: Request) -> Response:
    """The heat map of a text as a PNG, which the browser lays over the picture."""
    shared, text = shared_resources(), request.query_params.get("text", "")[:MAX_TEXT]
    heat = find_heat_map(shared, find_picture(request, shared), text) if text.strip() else None
    if heat is None:
        raise UsageError("This model has no heat maps.")
    buffer = io.BytesIO()
    colour_heat(heat, HEAT_SIZE).save(buffer, "PNG")
    return Response(buffer.getvalue(), media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})


def _find_type(beginning: bytes) -> str | None:
    return next((kind for mark, at, kind in SHOWN if beginning[at : at + len(mark)] == mark), None)


def _stream(picture: PictureRecord, kind: str, headers: dict[str, str]) -> Response:
    """A response that sends the checked file."""
    n_bytes, chunks = read_chunks(picture)
    return StreamingResponse(chunks, headers=headers | {"Content-Length": str(n_bytes)}, media_type=kind)
