"""The vectors of one state of an index: exact rows of all pictures, and estimated scores for a query."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.store.candidate_info import LOWEST, Bounds
from indexer.store.picture_rows import PictureRows, widen

if TYPE_CHECKING:
    from indexer.store.candidates import CandidateIndex

__all__ = ["EXACT_ROWS", "Estimates", "Vectors"]

# So many rows are scored exactly, without estimates: about 7 ms of one core (benchmarks/README.md).
EXACT_ROWS = 20_000
FIRST_SHARE = 1 / 64  # of the lists are searched first; the scores found there tell how many more are needed
# Of the scores of a sample of rows. Estimates below it are not told apart, because most rows are then sorted out early.
FLOOR_QUANTILE = 0.75
GROWTH = 4  # times as many lists are searched if too many pictures would have to be scored exactly
CODES_A_ROW = 20  # codes are compared in the time in which one row is scored exactly (benchmarks/README.md)
# The margin of codes in a single list, as fresh ones are, measured with made rows of 8 to 512 numbers: the similar rows
# that have no codes, and the error of codes of a single number, which falls with the root of their number.
FRESH_MARGIN, FRESH_ERROR = 0.06, 2.1
PICTURES_AT_ONCE = 4000  # in a chunk that is read


@dataclass(frozen=True, slots=True)
class Estimates:
    """Estimated scores of the pictures that may be among the best."""

    ids: NDArray[np.int64]  # (n,), ascending
    scores: NDArray[np.float32]  # (n,), infinite if unknown
    margin: float  # the true score of a picture is higher than its estimate and this in about 0.5 % of the cases
    others: float  # the estimate of another picture is hardly ever higher


@dataclass(frozen=True, slots=True)
class Vectors:
    """Never changed, only replaced: other threads may search it."""

    rows: Sequence[PictureRows]  # each picture is in one of them
    candidates: "Sequence[CandidateIndex]"  # the same pictures, and removed ones; empty: all pictures are scored
    bounds: Bounds | None  # of the first of the candidates, unless it is fresh
    is_picture: NDArray[np.bool_]  # (highest id + 1,)
    has_removed: bool  # True if the candidates contain removed pictures
    exact_rows: int = EXACT_ROWS

    @property
    def n_rows(self) -> int:
        """The number of vectors, including those of regions."""
        return sum(int(part.counts.sum()) for part in self.rows)

    def mark_allowed(self, allowed: NDArray[np.int64] | None) -> NDArray[np.bool_]:
        """For each id whether it is that of an allowed picture: (highest id + 1,). allowed: as in `estimate`."""
        if allowed is None:
            return self.is_picture
        is_allowed = np.zeros_like(self.is_picture)
        is_allowed[allowed[allowed < len(is_allowed)]] = True  # pictures without vectors may have higher ids
        return is_allowed & self.is_picture

    def estimate(
        self,
        queries: NDArray[np.float32],
        weights: NDArray[np.float32],
        allowed: NDArray[np.int64] | None = None,
        least: float | None = None,
    ) -> Estimates:
        """Estimated scores of pictures: the most promising ones, or all that may have a score of `least`.

        queries: (q, dim), unit rows; weights: (q,), of the best cosine for each query in the score, with a sum of 1.
        allowed: only these pictures, (n,).
        """
        is_allowed = self.mark_allowed(allowed)
        n_allowed = int(is_allowed.sum())
        if not self.candidates or n_allowed * self.n_rows <= self.exact_rows * int(self.is_picture.sum()):
            ids = np.flatnonzero(is_allowed)
            return Estimates(ids, np.full(len(ids), np.inf, dtype=np.float32), 0.0, -np.inf)
        margin = 0.0 if self.bounds is None else self.bounds.margin(weights)
        if self.bounds is None or len(self.candidates) > 1:
            margin = max(margin, FRESH_MARGIN + FRESH_ERROR * queries.shape[1] ** -0.5)
        needs_selector = allowed is not None or self.has_removed
        for n_probe, floors in self._choose_lists(queries, weights, margin, n_allowed, least):
            best = np.repeat(floors[:, None], len(self.is_picture), axis=1)
            for index in self.candidates:
                index.estimate(queries, best, n_probe, is_allowed if needs_selector else None)
            is_above = (best > floors[:, None]).any(axis=0)
            scores = weights @ best
            if least is None:
                break
            is_above &= scores >= least - margin
            n_exact = np.count_nonzero(is_above) * self.n_rows / len(self.is_picture)
            if (
                CODES_A_ROW * n_exact
                < len(queries) * len(self.candidates[0]) * GROWTH * n_probe / self.candidates[0].n_lists
            ):
                break
        ids = np.flatnonzero(is_above)
        return Estimates(ids, scores[ids], margin, float(weights @ floors))

    def read(self, ids: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """The picture of each row (n,), and the rows (n, dim), of these pictures, in chunks. ids: (m,), ascending."""
        for part in self.rows:
            positions = part.find(ids)
            for start in range(0, len(positions), PICTURES_AT_ONCE):
                yield part.read(positions[start : start + PICTURES_AT_ONCE])

    def _choose_lists(
        self,
        queries: NDArray[np.float32],
        weights: NDArray[np.float32],
        margin: float,
        n_allowed: int,
        least: float | None,
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """A number of lists to search, and for each query a floor: no estimate that is needed is lower.

        Then more lists with lower floors, so that fewer pictures have to be scored exactly.
        """
        n_lists = self.candidates[0].n_lists
        if self.bounds is None or least == -np.inf:
            yield n_lists, np.full(len(queries), LOWEST, dtype=np.float32)
            return
        centres = self.candidates[0].score_centres(queries) + np.float32(self.bounds.slack(weights))  # descending
        n_probe = int(n_lists * FIRST_SHARE * np.count_nonzero(self.is_picture) / n_allowed) + 1
        if least is not None:
            n_probe = max(1, int(np.searchsorted(-(weights @ centres), margin - least)))
        while n_probe < n_lists:
            yield n_probe, centres[:, n_probe]
            n_probe *= GROWTH
        scores = np.einsum("nd,qd->nq", widen(self.bounds.sample), queries)
        floors: NDArray[np.float32] = np.quantile(scores, FLOOR_QUANTILE, axis=0).astype(np.float32)
        if least is not None:
            floors -= max(0.0, float(weights @ floors) + margin - least)
        yield n_lists, floors
