"""A process that holds a share of the pictures of a server's catalog and ranks them for queries."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from platformdirs import user_cache_path

from cosmos_search.retrieval.encode import EncodedQuery
from cosmos_search.retrieval.rank import rank
from cosmos_search.retrieval.scoring import PictureScore
from cosmos_search.retrieval.text_matches import TextLevel
from indexer.errors import CosmosSearchError
from indexer.places import ServerPlace
from indexer.store.filter_record import Filters
from indexer.store.index import Index
from indexer.store.replica import Replica, Share

__all__ = ["RankedPicture", "Shard", "ShardState", "merge"]

POLL_S = 0.5  # between two looks for changes
RETRY_S = 5.0  # after an error of the server or of the disk

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RankedPicture:
    """A picture that may be among the best of all shards."""

    score: PictureScore
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class ShardState:
    """What a shard holds."""

    is_complete: bool  # False: it is still copying its share
    n_pictures: int
    problem: str | None  # the error of the last attempt to follow the catalog


class Shard:
    """A Ray actor. A thread follows the catalog; any number of others rank."""

    def __init__(self, place: ServerPlace, share: Share, replica: int, directory: Path | None = None) -> None:
        """replica: a number that differs between processes with the same share. directory: by default in the cache."""
        self._place = place
        self._share = share
        self._name = f"{share.number}-of-{share.n_shards}-{replica}"
        self._directory = directory
        self._replica: Replica | None = None
        self._problem: str | None = None
        self._stop = Event()
        Thread(target=self._follow_forever, daemon=True).start()

    def rank(
        self, encoded: EncodedQuery, top: int, filters: Filters | None, levels: Sequence[TextLevel] = ()
    ) -> list[RankedPicture] | None:
        """The best pictures of this share, best first; None while it is incomplete or of another encoder."""
        replica = self._replica
        if replica is None or not replica.is_complete or replica.index is None:
            return None
        with replica.index.snapshot() as snapshot:
            if snapshot is None:
                return None
            made_by = snapshot.encoder
            if (made_by.name, made_by.version) != (encoded.encoder_name, encoded.encoder_version):
                return None
            scores = rank(snapshot, encoded, top, filters, levels) if snapshot.n_rows else []
            fingerprints = snapshot.fingerprints([score.picture_id for score in scores])
        return [RankedPicture(score, fingerprints[score.picture_id]) for score in scores]

    def state(self) -> ShardState:
        """What this shard holds."""
        replica = self._replica
        if replica is None or replica.index is None:
            return ShardState(False, 0, self._problem)
        with replica.index.reading() as catalog:
            return ShardState(replica.is_complete, catalog.n_pictures(), self._problem)

    def _follow_forever(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except CosmosSearchError as error:  # the server restarts, the disk is full: what is held is searched on
                self._problem = str(error)
                log.warning("%s", error)
            self._stop.wait(RETRY_S)

    def _follow(self) -> None:
        source = Index.open(self._place)
        try:
            replica = Replica(source, self._choose_directory(source), self._share)
            with replica.lock():
                self._replica = replica
                while not self._stop.is_set() and source.is_current():
                    while replica.advance():
                        pass
                    self._problem = None
                    self._stop.wait(POLL_S)
        finally:
            source.close()

    def _choose_directory(self, source: Index) -> Path:
        if self._directory is not None:
            return self._directory / self._name
        return user_cache_path("cosmos-search") / "shards" / "-".join(map(str, source.identity or ())) / self._name


def merge(parts: Sequence[Sequence[RankedPicture]], top: int) -> list[PictureScore]:
    """The best of all shards, in the order of a single index."""
    pictures = sorted((one for part in parts for one in part), key=lambda one: (-one.score.score, one.fingerprint))
    return [one.score for one in pictures[:top]]
