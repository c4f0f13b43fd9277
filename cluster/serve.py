"""Shards for as long as a server runs, and the function that searches them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from cluster.connect import disconnect, list_nodes
from cluster.search import Searcher
from cluster.shards import Shards
from cosmos_search.client.wire import Answer, Search
from cosmos_search.library import Library
from indexer.places import ServerPlace
from indexer.plural import count

__all__ = ["serve_shards"]

POLL_S = 2.0


@contextmanager
def serve_shards(
    library: Library, place: ServerPlace, n_shards: int, n_replicas: int, on_ready: Callable[[str], None]
) -> Iterator[Callable[[Search], Answer]]:
    """Start the shards on the cluster of this process, and leave it at the end.

    Yields the function that answers searches with the encoder of the library. place: the library's.
    on_ready: called with a sentence when all shards hold their share.
    """
    n_cores = sum(node["Resources"].get("CPU", 0) for node in list_nodes() if node["Alive"])
    share = min(1.0, int(100 * n_cores / (n_shards * n_replicas)) / 100)
    shards = Shards(place, n_shards, n_replicas, n_cores=share)
    ended = Event()
    try:
        Thread(target=_wait_for_shards, args=(shards, ended, on_ready), daemon=True).start()
        with Searcher(library, shards) as searcher:
            yield searcher.search
    finally:
        ended.set()
        shards.close()
        disconnect()


def _wait_for_shards(shards: Shards, ended: Event, on_ready: Callable[[str], None]) -> None:
    while not ended.wait(POLL_S):
        states = [state for replicas in shards.states() for state in replicas]
        if all(state is not None and state.is_complete for state in states):
            n_pictures = sum(replicas[0].n_pictures for replicas in shards.states() if replicas[0] is not None)
            on_ready(f"All shards are ready: {count(n_pictures, 'picture')}.")
            return
