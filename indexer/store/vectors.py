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
FLOOR_QUANTILE = 0.85
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
        n_lists, floors = self._choose_lists(queries, weights, margin, n_allowed, least)
        is_selected = is_allowed if allowed is not None or self.has_removed else None
        best = self._estimate_rows(queries, floors, n_lists, is_selected)
        is_above, scores, others = (best > floors[:, None]).any(axis=0), weights @ best, float(weights @ floors)
        if least is not None:
            is_above &= scores >= least - margin
        elif n_lists < self.candidates[0].n_lists:
            others = np.inf  # the floors are too high for a bound
        ids = np.flatnonzero(is_above)
        return Estimates(ids, scores[ids], margin, others)

    def _estimate_rows(
        self,
        queries: NDArray[np.float32],
        floors: NDArray[np.float32],
        n_lists: int,
        is_allowed: NDArray[np.bool_] | None,
    ) -> NDArray[np.float32]:
        """The estimated score of each picture's best row, at least the floor, by query and id: (q, highest id + 1)."""
        best = np.repeat(floors[:, None], len(self.is_picture), axis=1)
        for index in self.candidates:
            index.estimate(queries, best, n_lists, is_allowed)
        return best

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
    ) -> tuple[int, NDArray[np.float32]]:
        """The number of lists to search, and for each query a floor: no estimate that is needed is lower."""
        n_lists = self.candidates[0].n_lists
        if self.bounds is None or least == -np.inf:
            return n_lists, np.full(len(queries), LOWEST, dtype=np.float32)
        centres = self.candidates[0].score_centres(queries)  # descending
        n_chosen = int(n_lists * FIRST_SHARE * np.count_nonzero(self.is_picture) / n_allowed) + 1
        if least is not None:
            centres += np.float32(self.bounds.slack(weights))
            n_chosen = max(1, int(np.searchsorted(-(weights @ centres), margin - least)))
        if n_chosen < n_lists:
            return n_chosen, centres[:, n_chosen]
        scores = np.einsum("nd,qd->nq", widen(self.bounds.sample), queries)
        floors: NDArray[np.float32] = np.quantile(scores, FLOOR_QUANTILE, axis=0).astype(np.float32)
        if least is not None:
            floors -= max(0.0, float(weights @ floors) + margin - least)
        return n_lists, floors
