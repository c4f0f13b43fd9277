"""The process of a server: it listens, writes the file by which clients find it, and stops gracefully."""

import os
import secrets
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from threading import Thread
from types import FrameType

import uvicorn

from cosmos_search.client.errors import ListenError
from cosmos_search.client.server_file import ServerAddress, remove_address, write_address
from cosmos_search.client.wire import Search
from cosmos_search.server.app import LOCAL_NAMES, make_app
from cosmos_search.server.service import Service
from indexer.errors import CosmosSearchError, UsageError

__all__ = ["choose_token", "is_local", "listen", "run"]

MIN_TOKEN_LENGTH = 16  # characters
GRACE_S = 10  # for requests in progress when the server stops
MAX_CONNECTIONS = 512


def choose_token(host: str, token: str | None) -> str:
    """The token, or a new one for a server that only this machine can reach. Raises UsageError."""
    if token is None and not is_local(host):
        raise UsageError(f"A server that other machines reach ({host}) needs a token: set COSMOS_SEARCH_TOKEN.")
    if token is not None and len(token) < MIN_TOKEN_LENGTH:
        raise UsageError(f"The token is too short; use {MIN_TOKEN_LENGTH} characters or more.")
    if token is not None and not (token.isascii() and token.isprintable() and token == token.strip()):
        raise UsageError("The token must consist of printable ASCII characters, without blanks at its ends.")
    return token or secrets.token_urlsafe(32)


def is_local(host: str) -> bool:
    """True if only this machine can reach a server that listens on this host."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. port: 0: any free one. Raises ListenError."""
    try:
        if not host:
            raise OSError("an empty host means every address")
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(MAX_CONNECTIONS)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise ListenError(host, port, error.strerror or str(error)) from error
    return listener


def run(service: Service, listener: socket.socket, host: str, token: str, on_start: Callable[[str, str], None]) -> None:
    """Answer requests until SIGINT or SIGTERM. Call it in the main thread.

    host: the name that was asked for. on_start: called with the address and the path of the file with the token.
    """
    bound, port = listener.getsockname()[:2]
    address = ServerAddress({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bound, bound), port, token, os.getpid())
    names = (*LOCAL_NAMES, host.lower(), bound) if is_local(host) else None
    config = uvicorn.Config(
        make_app(service, token, names),
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=GRACE_S,
    )
    place = service.library.place
    try:
        path = write_address(place, address)
    except OSError as error:
        raise CosmosSearchError(f"The file of the server can't be written ({error.strerror or error}).") from error
    before = signal.signal(signal.SIGTERM, _exit)  # uvicorn raises the signal again after its end
    try:
        Thread(target=_warm_up, args=(service,), daemon=True).start()
        on_start(address.url, str(path))
        with suppress(KeyboardInterrupt):
            _Server(config, service).run(sockets=[listener])
    finally:
        remove_address(place, address)
        service.close()
        listener.close()
        signal.signal(signal.SIGTERM, before)


class _Server(uvicorn.Server):
    """Ends streams of events and the indexing job when it is told to stop."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._service.stop()
        super().handle_exit(sig, frame)


def _exit(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _warm_up(service: Service) -> None:
    """Load the encoder and the vectors, so that the first search need not wait for them."""
    with suppress(CosmosSearchError):
        if service.library.n_pictures():
            service.search(Search("a", 1))
