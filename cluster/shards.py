"""Ask all shards of a catalog at once, and the other replicas of those that do not answer."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

import ray
from ray.exceptions import RayError

from cluster.connect import first_sentence
from cluster.shard import RankedPicture, Shard, ShardState, merge
from cosmos_search.retrieval.encode import EncodedQuery
from cosmos_search.retrieval.scoring import PictureScore
from cosmos_search.retrieval.text_matches import TextLevel
from indexer.places import ServerPlace
from indexer.store.filter_record import Filters
from indexer.store.replica import Share

__all__ = ["Ranking", "Shards"]

PATIENCE_S = 2.0  # after which another replica is asked as well
TIMEOUT_S = 30.0  # after which a share is missing
THREADS = 4  # queries at a time in one shard

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best pictures of the shards that answered."""

    scores: list[PictureScore]
    missing: tuple[int, ...]  # the numbers of the shards that did not


class Shards:
    """`n_shards` times `n_replicas` actors. Ray starts one again that ends, on another machine if its own is gone."""

    def __init__(
        self,
        place: ServerPlace,
        n_shards: int,
        n_replicas: int,
        *,
        directory: Path | None = None,
        restarts: int = -1,
        n_cores: float = 1,
    ) -> None:
        """directory: of the shards' files on each machine. restarts: of each actor; -1: any number."""
        self.n_shards = n_shards
        self._turn = count()
        options = {"max_concurrency": THREADS, "max_restarts": restarts, "num_cpus": n_cores}
        actor: Any = ray.remote(Shard).options(scheduling_strategy="SPREAD", **options)
        self.actors: list[list[Any]] = [
            [actor.remote(place, Share(number, n_shards), replica, directory) for replica in range(n_replicas)]
            for number in range(n_shards)
        ]

    def rank(
        self, encoded: EncodedQuery, top: int, filters: Filters | None = None, levels: Sequence[TextLevel] = ()
    ) -> Ranking:
        """The `top` best pictures, best first, with the scores and in the order of a single index."""
        turn = next(self._turn)
        started = monotonic()
        asked = (encoded, top, filters, levels)
        untried = {
            n: [*actors[turn % len(actors) :], *actors[: turn % len(actors)]] for n, actors in enumerate(self.actors)
        }
        waiting: dict[Any, int] = {}  # the shard's number by the reference to an answer

        def ask(number: int) -> None:
            if untried[number]:
                waiting[untried[number].pop(0).rank.remote(*asked)] = number

        for number in untried:
            ask(number)
        found: dict[int, Sequence[RankedPicture]] = {}
        while waiting and len(found) < self.n_shards and monotonic() - started < TIMEOUT_S:
            done = ray.wait(list(waiting), timeout=PATIENCE_S)[0]
            for reference in done:
                number = waiting.pop(reference)
                answer = _receive(reference)
                if answer is not None:
                    found.setdefault(number, answer)
                elif number not in found:
                    ask(number)
            if not done:
                for number in set(untried) - found.keys():
                    ask(number)
        return Ranking(merge(list(found.values()), top), tuple(sorted(set(untried) - found.keys())))

    def states(self) -> list[list[ShardState | None]]:
        """The state of each replica of each shard; None: it does not answer."""
        return [[_receive(actor.state.remote(), PATIENCE_S) for actor in actors] for actors in self.actors]

    def close(self) -> None:
        """End all actors; their files stay."""
        for actors in self.actors:
            for actor in actors:
                ray.kill(actor)


def _receive(reference: Any, timeout_s: float | None = None) -> Any:
    """The answer; None if the actor died or does not answer."""
    try:
        return ray.get(reference, timeout=timeout_s)
    except RayError as error:
        level = logging.INFO if timeout_s is not None else logging.WARNING  # it may only be starting
        log.log(level, "A shard does not answer (%s).", first_sentence(error))
        return None
