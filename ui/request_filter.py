"""Who may speak to the page's server, and of what: pages that it has served, and programs, which are no web pages."""

from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["RequestFilter"]

STREAM = "/_stcore/stream"
FILES = {"/", "/index.html", "/favicon.png", "/manifest.json", "/_stcore/health", "/_stcore/host-config"}
FOLDERS = ("/static/", "/media/")
UPLOADS = "/_stcore/upload_file/"


class RequestFilter:
    """ASGI middleware that refuses requests and websockets of other web sites, before Streamlit sees them.

    Streamlit alone lets any page of this machine's addresses in, on whatever port, and asks a web service for its
    outer address to find out whether an origin is one of them.
    What the page doesn't use (metrics, sign-in, other components) isn't there for anyone, and no file is taken from who
    has not said the token.

    names: hosts that the server may be called by; None: any (a server for other machines has names it can't know).
    is_in: whether a session has said the token, by its id.
    """

    def __init__(self, app: ASGIApp, names: Collection[str] | None, is_in: Callable[[str], bool]) -> None:
        self.app = app
        self.names = names
        self.is_in = is_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            if scope["path"] == STREAM and self._is_allowed(Headers(scope=scope)):
                await self.app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})  # before it is accepted: HTTP 403
        elif not self._is_allowed(Headers(scope=scope)):
            await PlainTextResponse("Only for this page itself.", 403)(scope, receive, send)
        elif not self._is_used(scope["method"], scope["path"]):
            await PlainTextResponse("Not found.", 404)(scope, receive, send)
        else:
            await self.app(scope, receive, _with_headers(send))

    def _is_allowed(self, headers: Headers) -> bool:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or (self.names is not None and _name(hosts[0]) not in self.names):
            return False
        return all(origin.partition("://")[2].lower() == hosts[0].lower() for origin in origins)

    def _is_used(self, method: str, path: str) -> bool:
        if path.startswith(UPLOADS):
            return method in ("PUT", "DELETE", "OPTIONS") and self.is_in(path.removeprefix(UPLOADS).partition("/")[0])
        return method in ("GET", "HEAD") and (path in FILES or path.startswith(FOLDERS))


def _name(host: str) -> str | None:
    """Without the port, and an IPv6 address without its brackets; None for what is no host."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _with_headers(send: Send) -> Send:
    """No other site may show the page in a frame, and links tell none where they were followed."""

    async def send_more(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = "frame-ancestors 'self'"
            headers["Referrer-Policy"] = "no-referrer"
        await send(message)

    return send_more
