"""ASGI middleware before all routes: host names, other web sites, the token, sizes of bodies, request ids, the log."""

import logging
import re
import secrets
from collections.abc import Collection
from time import perf_counter
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cosmos_search.server.answers import make_error
from cosmos_search.server.metrics import Metrics

__all__ = ["LARGE_BODIES", "MAX_BODY_BYTES", "PUBLIC", "Guard"]

METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")  # that metrics tell apart
CLIENT_LEFT = 499  # in the log and in metrics: the status of a request without an answer
PUBLIC = ("/v1/health",)  # without a token
LARGE_BODIES = ("/v1/search",)  # which may hold a picture
MAX_BODY_BYTES = 64 << 10
REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")

log = logging.getLogger(__name__)


class Guard:
    """Refuses what no client of this program sends, before it reaches a route.

    A web site in a browser on this machine can't use the server: its name must be one of `names`, which protects from
    DNS rebinding, and requests with the origin of another site are refused. There are no CORS headers.
    """

    def __init__(
        self, app: ASGIApp, names: Collection[str] | None, token: str, max_upload_bytes: int, metrics: Metrics
    ) -> None:
        """names: accepted host names; None: all (a server for other machines does not know its names)."""
        self._app = app
        self._names = names
        self._token = f"Bearer {token}".encode()
        self._max_upload_bytes = max_upload_bytes
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        started, status = perf_counter(), CLIENT_LEFT

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                added = MutableHeaders(scope=message)
                added["X-Request-Id"] = request_id
                added["X-Content-Type-Options"] = "nosniff"
                added.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._handle(scope, headers, receive, send_with_headers)
        except Exception:  # a bug, which was answered if that was possible
            log.exception("%s failed", request_id)
        seconds = perf_counter() - started
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._metrics.count(method if route != "none" else "any", route, status, seconds)
        path = scope["raw_path"].decode("ascii", "backslashreplace")
        log.info("%s %s %s %d %.0f ms", request_id, scope["method"], path, status, 1000 * seconds)

    async def _handle(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        """Send the request to the app, or refuse it."""
        refusal = self._refuse(scope["path"], headers)
        if refusal is not None:
            await make_error(*refusal)(scope, receive, send)
            return
        max_bytes = self._max_upload_bytes if scope["path"] in LARGE_BODIES else MAX_BODY_BYTES
        try:
            body = await _read_body(headers, receive, max_bytes)
        except ClientDisconnect:
            return
        if body is None:
            await make_error(413, f"The request has more than {max_bytes:,} bytes.")(scope, receive, send)
            return
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive_read() -> Message:
            return next(messages, None) or await receive()

        await self._app(scope, receive_read, send)

    def _refuse(self, path: str, headers: Headers) -> tuple[int, str] | None:
        """Status and sentence of a refusal; None for a request that is allowed."""
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or (self._names is not None and _parse_host(hosts[0]) not in self._names):
            return 403, "The server has another name than the request's host."
        if any(origin.partition("://")[2].lower() != hosts[0].lower() for origin in origins):
            return 403, "Requests from other web sites are refused."
        given = headers.get("authorization", "").encode("latin-1")
        if path not in PUBLIC and not secrets.compare_digest(given, self._token):
            return 401, "The token is missing or wrong; send the header Authorization: Bearer TOKEN."
        return None


async def _read_body(headers: Headers, receive: Receive, max_bytes: int) -> bytes | None:
    """The body; None if it is larger. Raises ClientDisconnect."""
    if int(headers.get("content-length", 0)) > max_bytes:  # h11 accepts only numbers
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > max_bytes:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _parse_host(host: str) -> str | None:
    """Host name without port and IPv6 brackets; None if it is not a valid host."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
