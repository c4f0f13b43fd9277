"""The process of a server: it listens, writes the file by which clients find it, and stops gracefully."""

import asyncio
import os
import resource
import secrets
import signal
import socket
from collections.abc import Callable, Collection
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from types import FrameType

import uvicorn

from cosmos_search.client.errors import ListenError
from cosmos_search.client.server_file import ServerAddress, find_server, remove_address, write_address
from cosmos_search.client.wire import Search
from cosmos_search.server.app import LOCAL_NAMES, make_app
from cosmos_search.server.connection import Connection
from cosmos_search.server.service import Service
from indexer.errors import CosmosSearchError, UsageError

__all__ = ["Server", "choose_token", "is_local", "listen", "raise_file_limit", "run"]

MIN_TOKEN_LENGTH = 16  # characters
GRACE_S = 3  # for requests in progress when the server stops; their connections are closed then
OPEN_FILES = 4 * Connection.MAX_CONNECTIONS  # a connection that sends an original has two
BACKLOG = 128  # connections that the system holds, and that are accepted at once


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
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise ListenError(host, port, error.strerror or str(error)) from error
    return listener


def run(
    service: Service,
    listener: socket.socket,
    host: str,
    token: str,
    on_start: Callable[[str, Path, ServerAddress | None], None],
) -> None:
    """Answer requests until SIGINT or SIGTERM. Call it in the main thread.

    host: the name that was asked for. on_start: called with the address, the path of the file with the token, and the
    server of this index that was started earlier, which searches on this machine go on to use.
    """
    bound, port = listener.getsockname()[:2]
    address = ServerAddress({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bound, bound), port, token, os.getpid())
    names = (*LOCAL_NAMES, host.lower(), bound) if is_local(host) else None
    place = service.library.place
    try:
        earlier = find_server(place)
        path = write_address(place, address)
    except OSError as error:
        raise CosmosSearchError(f"The file of the server can't be written ({error.strerror or error}).") from error
    raise_file_limit()
    before = signal.signal(signal.SIGTERM, _exit)  # uvicorn raises the signal again after its end
    try:
        Thread(target=_warm_up, args=(service,), daemon=True).start()
        on_start(address.url, path, earlier)
        with suppress(KeyboardInterrupt):
            Server(service, token, names).run(sockets=[listener])
    finally:
        remove_address(place, address)
        service.close()
        listener.close()
        signal.signal(signal.SIGTERM, before)


def raise_file_limit() -> None:
    """Let this process open OPEN_FILES files, or as many as it may: the usual limit is 256 or 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Server(uvicorn.Server):
    """Ends streams of events and the indexing job when it is told to stop, and connections soon after."""

    def __init__(
        self,
        service: Service,
        token: str,
        names: Collection[str] | None = LOCAL_NAMES,
        connection: type[Connection] = Connection,
    ) -> None:
        """names: see `make_app`. connection: the class with the limits of connections."""
        config = uvicorn.Config(
            make_app(service, token, names),
            http=connection,
            backlog=BACKLOG,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
        )
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._service.stop()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(GRACE_S, self._close_connections)
        await super().shutdown(sockets)

    def _close_connections(self) -> None:
        """Close them, so that their requests end by themselves: cancelling their tasks would log tracebacks."""
        self._service.workers.is_closed = self._service.slow_workers.is_closed = True
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def _exit(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _warm_up(service: Service) -> None:
    """Load the encoder and the vectors, so that the first search need not wait for them."""
    with suppress(CosmosSearchError):
        if service.library.n_pictures():
            service.search(Search("a", 1))
