"""ASGI middleware for requests: refuses other web sites, unknown host names and paths that the page does not use."""

from collections.abc import Callable, Collection
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.settings import ROUTES, SCRIPTS, TICKET

__all__ = ["RequestFilter"]

STREAM = "/_stcore/stream"
FILES = {"/", "/index.html", "/favicon.png", "/manifest.json", "/_stcore/health", "/_stcore/host-config"}
FOLDERS = ("/static/", "/media/", f"{SCRIPTS}/")
UPLOADS = "/_stcore/upload_file/"


class RequestFilter:
    """ASGI middleware that refuses requests and websockets of other web sites before they reach Streamlit.

    Streamlit accepts every origin on an address of this machine, on any port, and asks a web service for this
    machine's external address to check origins.
    Paths that the page does not use (metrics, sign-in, other components) are not found, and uploads need a login.

    names: accepted host names; None: all (a server for other machines does not know its names).
    is_logged_in: for a session id, True if its visitor is logged in.
    is_ticket: True for the secret in the cookie of a visitor who is logged in; an empty one if there is no cookie.
    """

    def __init__(
        self,
        app: ASGIApp,
        names: Collection[str] | None,
        is_logged_in: Callable[[str], bool],
        is_ticket: Callable[[str], bool],
    ) -> None:
        self.app = app
        self.names = names
        self.is_logged_in = is_logged_in
        self.is_ticket = is_ticket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            if scope["path"] == STREAM and self._is_allowed(Headers(scope=scope)):
                await self.app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})  # before it is accepted: HTTP 403
        elif not self._is_allowed(Headers(scope=scope)):
            await PlainTextResponse("Requests from other web sites are refused.", 403)(scope, receive, send)
        elif scope["path"].startswith(f"{ROUTES}/"):
            if not _is_own_request(Headers(scope=scope)) or not self.is_ticket(_read_ticket(Headers(scope=scope))):
                await PlainTextResponse("Log in on the page first.", 403)(scope, receive, send)
            else:
                await self.app(scope, receive, _add_headers(send))
        elif not self._is_used(scope["method"], scope["path"]):
            await PlainTextResponse("Not found.", 404)(scope, receive, send)
        else:
            await self.app(scope, receive, _add_headers(send))

    def _is_allowed(self, headers: Headers) -> bool:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or (self.names is not None and _parse_host(hosts[0]) not in self.names):
            return False
        return all(origin.partition("://")[2].lower() == hosts[0].lower() for origin in origins)

    def _is_used(self, method: str, path: str) -> bool:
        if path.startswith(UPLOADS):
            return method in ("PUT", "DELETE", "OPTIONS") and self.is_logged_in(
                path.removeprefix(UPLOADS).partition("/")[0]
            )
        return method in ("GET", "HEAD") and (path in FILES or path.startswith(FOLDERS))


def _parse_host(host: str) -> str | None:
    """Host name without port and IPv6 brackets; None if it is not a valid host."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_own_request(headers: Headers) -> bool:
    """False if a browser says that another site made the request, for instance to show a picture."""
    return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def _read_ticket(headers: Headers) -> str:
    """The secret in the cookie of this server; cookies are shared by all ports of a host, so its name has the port."""
    name = f"{TICKET}_{headers['host'].rpartition(':')[2]}"
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return "" if cookie is None else cookie.value


def _add_headers(send: Send) -> Send:
    """A `send` that adds headers: no other site may embed the page in a frame, and links send no referrer."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = "frame-ancestors 'self'"
            headers["Referrer-Policy"] = "no-referrer"
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
            headers["X-Content-Type-Options"] = "nosniff"
        await send(message)

    return send_with_headers
