"""The vectors of one state of an index: exact rows of all pictures, and estimated scores for a query."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.store.candidate_info import Probing
from indexer.store.picture_rows import PictureRows

if TYPE_CHECKING:
    from indexer.store.candidates import CandidateIndex

__all__ = ["EXACT_ROWS", "Estimates", "Vectors", "choose_floors"]

# So many rows are scored exactly, without estimates: about 10 ms of one core (benchmarks/speed/latency.py).
EXACT_ROWS = 20_000
# Of the scores of a sample of rows. Estimates below it are not told apart, because sorting out most rows early makes a
# search of several sentences twice as fast.
FLOOR_QUANTILE = 0.75
LOWEST = -2.0  # below every estimate of a cosine
PICTURES_AT_ONCE = 4000  # in a chunk that is read


@dataclass(frozen=True, slots=True)
class Estimates:
    """Estimated scores of the pictures that may be among the best."""

    ids: NDArray[np.int64]  # (n,), ascending
    scores: NDArray[np.float32]  # (n,), infinite if unknown
    margin: float  # the true score of a picture is higher than its estimate and this in about 0.5 % of the cases
    others: float  # no estimate of another picture is higher


@dataclass(frozen=True, slots=True)
class Vectors:
    """Never changed, only replaced: other threads may search it."""

    rows: Sequence[PictureRows]  # each picture is in one of them
    candidates: "Sequence[CandidateIndex]"  # the same pictures, and removed ones; empty: all pictures are scored
    probing: Probing | None  # None: all lists are searched
    is_picture: NDArray[np.bool_]  # (highest id + 1,)
    has_removed: bool  # True if the candidates contain removed pictures
    exact_rows: int = EXACT_ROWS

    @property
    def n_rows(self) -> int:
        """The number of vectors, including those of regions."""
        return sum(int(part.counts.sum()) for part in self.rows)

    def estimate(
        self,
        queries: NDArray[np.float32],
        weights: NDArray[np.float32],
        top: int,
        allowed: NDArray[np.int64] | None = None,
        *,
        complete: bool = False,
    ) -> Estimates:
        """Estimated scores of pictures, among them the `top` best.

        queries: (q, dim), unit rows; weights: (q,), of the best cosine for each query in the score. allowed: only these
        pictures, (n,). complete: of all pictures, not only of those in the lists and above the floors.
        """
        is_allowed = self._mark_allowed(allowed)
        n_allowed = int(is_allowed.sum())
        if not self.candidates or n_allowed * self.n_rows <= self.exact_rows * int(self.is_picture.sum()):
            ids = np.flatnonzero(is_allowed)
            return Estimates(ids, np.full(len(ids), np.inf, dtype=np.float32), 0.0, -np.inf)
        probing = self.probing
        floors = np.full(len(queries), LOWEST, dtype=np.float32)
        if probing is not None and not complete:
            floors = choose_floors(probing.sample, queries)
        best = np.repeat(floors[:, None], len(self.is_picture), axis=1)
        needs_selector = allowed is not None or self.has_removed
        depth = top * int(self.is_picture.sum()) / n_allowed
        n_probe = None if probing is None or complete else probing.n_probe(depth)
        for index in self.candidates:
            n_lists = index.n_lists if n_probe is None else n_probe
            index.estimate(queries, best, n_lists, is_allowed if needs_selector else None)
        ids = np.flatnonzero((best > floors[:, None]).any(axis=0))
        others = -np.inf if complete else float(weights @ floors)
        margin = 0.0 if probing is None else probing.margin * float(np.linalg.norm(weights))
        return Estimates(ids, weights @ best[:, ids], margin, others)

    def read(self, ids: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """The picture of each row (n,), and the rows (n, dim), of these pictures, in chunks. ids: (m,), ascending."""
        for part in self.rows:
            positions = part.find(ids)
            for start in range(0, len(positions), PICTURES_AT_ONCE):
                yield part.read(positions[start : start + PICTURES_AT_ONCE])

    def _mark_allowed(self, allowed: NDArray[np.int64] | None) -> NDArray[np.bool_]:
        """For each id whether it is that of an allowed picture: (highest id + 1,)."""
        if allowed is None:
            return self.is_picture
        is_allowed = np.zeros_like(self.is_picture)
        is_allowed[allowed[allowed < len(is_allowed)]] = True  # pictures without vectors may have higher ids
        return is_allowed & self.is_picture


def choose_floors(sample: NDArray[np.float16], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """For each query the score below which estimates are not told apart: (q,). sample: (n, dim), rows of the index."""
    scores = sample.astype(np.float32) @ queries.T
    floors: NDArray[np.float32] = np.quantile(scores, FLOOR_QUANTILE, axis=0).astype(np.float32)
    return floors
