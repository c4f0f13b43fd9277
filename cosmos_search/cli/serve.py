"""The command `serve`: the HTTP server of an index, whose searches may go through shards on a cluster."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosmos_search.cli.group import TEXT
from cosmos_search.cli.index_option import index_option
from cosmos_search.cli.terminal import say
from cosmos_search.extras import require_extra
from indexer.places import Place

if TYPE_CHECKING:
    from cosmos_search.client.server_file import ServerAddress
    from cosmos_search.client.wire import Answer, Search
    from cosmos_search.library import Library

__all__ = ["serve"]


@click.command()
@index_option
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Address to listen on; others need a token.")
@click.option("--port", type=click.IntRange(0, 65535), default=8502, help="Port to listen on; 0: any free port.")
@click.option(
    "--token",
    envvar="COSMOS_SEARCH_TOKEN",
    metavar="SECRET",
    help="Token of all requests; generated for this machine, needed for other hosts.",
)
@click.option(
    "--cluster",
    type=TEXT,
    metavar="ADDRESS",
    help="Search on a Ray cluster: auto (that of this machine), local (this machine alone) or ray://HOST:10001. The "
    "index must be on a PostgreSQL server.",
)
@click.option("--shards", type=click.IntRange(1, 10_000), help="Number of parts of the index on the cluster.")
@click.option("--replicas", type=click.IntRange(1, 10), help="Processes of the cluster that hold each part.")
def serve(
    place: Place | None,
    host: str,
    port: int,
    token: str | None,
    cluster: str | None,
    shards: int | None,
    replicas: int | None,
) -> None:
    """Answer searches of other programs by HTTP until Ctrl-C. Searches of this user on this machine find it, too.

    \b
    Examples:
      cosmos-search serve
      cosmos-search serve --index postgresql://me@host/photos --cluster auto --shards 4 --replicas 2
    """
    require_extra("The server", "server", "fastapi", "uvicorn")
    from cosmos_search.library import open as open_library
    from cosmos_search.server.run import choose_token, listen, run
    from cosmos_search.server.service import Service

    token = choose_token(host, token)
    library = open_library(place)
    is_sharded = (cluster, shards, replicas) != (None, None, None)
    listener = listen(host, port)
    try:
        if not is_sharded:
            run(Service(library), listener, host, token, _say_address)
            return
        with _start_shards(library, cluster or "auto", shards or 1, replicas or 1) as answer:
            run(Service(library, answer), listener, host, token, _say_address)
    finally:
        listener.close()


def _say_address(url: str, file: Path, earlier: "ServerAddress | None") -> None:
    say(f"Serving at {url}/v1; its token is in {file}. Press Ctrl-C to stop it.", err=True)
    if earlier is not None:
        say(f"Searches use {earlier.url}, which was started earlier; to use this one: --server {url}", err=True)


@contextmanager
def _start_shards(
    library: "Library", cluster: str, shards: int, replicas: int
) -> "Iterator[Callable[[Search], Answer]]":
    """The search through shards. Raises CosmosSearchError if the cluster or this index can't be used for it."""
    from cosmos_search.cluster_errors import ClusterPlaceError

    place = library.place
    if isinstance(place, Path):
        raise ClusterPlaceError(place)
    from cluster.connect import connect

    connect(cluster)
    from cluster.serve import serve_shards

    with serve_shards(library, place, shards, replicas, lambda text: say(text, err=True)) as answer:
        yield answer
