"""The command `cosmos-search serve`: search shards on a cluster behind an HTTP interface."""

import secrets
import socket
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import click

from cosmos_search.cli.group import TEXT, UserPlace
from cosmos_search.cli.terminal import say
from cosmos_search.cluster_errors import ClusterPlaceError, ListenError
from cosmos_search.extras import require_extra
from indexer.errors import UsageError
from indexer.places import Place, ServerPlace

if TYPE_CHECKING:
    from cluster.shards import Shards

__all__ = ["serve"]

MIN_TOKEN_LENGTH = 16  # characters
POLL_S = 2.0


@click.command()
@click.option(
    "--index",
    "place",
    type=UserPlace(),
    envvar="COSMOS_SEARCH_INDEX",
    metavar="URL",
    help="URL of a PostgreSQL database.",
)
@click.option(
    "--cluster",
    type=TEXT,
    default="auto",
    metavar="ADDRESS",
    help="Ray cluster: auto (that of this machine), local (this machine alone) or ray://HOST:10001.",
)
@click.option("--shards", type=click.IntRange(1, 10_000), default=1, help="Number of parts of the index.")
@click.option("--replicas", type=click.IntRange(1, 10), default=1, help="Processes that hold each part.")
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8502, help="Port to listen on; 0: any free port.")
@click.option(
    "--token",
    envvar="COSMOS_SEARCH_TOKEN",
    metavar="SECRET",
    help="Token of all requests; generated for this machine, needed for other hosts.",
)
def serve(
    place: Place | None, cluster: str, shards: int, replicas: int, host: str, port: int, token: str | None
) -> None:
    """Keep an index on a PostgreSQL server in the memory of a cluster, and answer searches until Ctrl-C.

    Searches of this user on this machine find it by themselves.

    \b
    Example:
      cosmos-search serve --index postgresql://me@host/photos --cluster auto --shards 4 --replicas 2
    """
    from cosmos_search.places import default_place

    place = default_place() if place is None else place
    if isinstance(place, Path):
        raise ClusterPlaceError(place)
    require_extra("The search service", "server", "fastapi", "uvicorn")
    token = _choose_token(host, token)
    listener = _listen(host, port)
    from cluster.connect import connect, disconnect, list_nodes

    connect(cluster)
    from cluster.shards import Shards

    n_cores = sum(node["Resources"].get("CPU", 0) for node in list_nodes() if node["Alive"])
    share = min(1.0, int(100 * n_cores / (shards * replicas)) / 100)
    held = Shards(place, shards, replicas, n_cores=share)
    try:
        _serve(place, held, listener, token)
    finally:
        held.close()
        disconnect()


def _choose_token(host: str, token: str | None) -> str:
    try:
        is_local = ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost"
    if token is None and not is_local:
        raise UsageError(f"A service that other machines reach ({host}) needs a token: set COSMOS_SEARCH_TOKEN.")
    if token is not None and len(token) < MIN_TOKEN_LENGTH:
        raise UsageError(f"The token is too short; use {MIN_TOKEN_LENGTH} characters or more.")
    return token or secrets.token_urlsafe(32)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        raise ListenError(host, port, error.strerror or str(error)) from error
    return listener


def _serve(place: ServerPlace, shards: "Shards", listener: socket.socket, token: str) -> None:
    import uvicorn

    from cluster.search import Searcher
    from cluster.service import make_app
    from cluster.service_file import ServiceAddress, remove_address, write_address

    host, port = listener.getsockname()[:2]
    address = ServiceAddress("127.0.0.1" if host == "0.0.0.0" else "::1" if host == "::" else host, port, token)
    with Searcher(place, shards) as searcher:
        path = write_address(searcher.identity, address)
        ended = Event()
        Thread(target=_report_shards, args=(shards, ended), daemon=True).start()
        say(f"Searching at http://{host}:{port}/v1/search; the token is in {path}", err=True)
        try:
            config = uvicorn.Config(
                make_app(searcher.search, token), log_level="warning", access_log=False, lifespan="off"
            )
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            ended.set()
            remove_address(searcher.identity, address)


def _report_shards(shards: "Shards", ended: Event) -> None:
    """Say when all shards hold their share."""
    while not ended.wait(POLL_S):
        states = [state for replicas in shards.states() for state in replicas]
        if all(state is not None and state.is_complete for state in states):
            n_pictures = sum(replicas[0].n_pictures for replicas in shards.states() if replicas[0] is not None)
            say(f"All shards are ready: {n_pictures} pictures.", err=True)
            return
