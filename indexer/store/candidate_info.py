"""What the manifest of an index stores about its candidate index. Without FAISS, whose import takes 0.1 s."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["LOWEST", "Bounds", "CandidateInfo", "FileCheck"]

LOWEST = -2.0  # below every estimate of a cosine


@dataclass(frozen=True, slots=True)
class FileCheck:
    """Detects a damaged file. The codes and ids at its end are not included: no value of theirs can crash FAISS."""

    n_bytes: int
    head_bytes: int
    head_crc: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds that 99.5 % of the best pictures keep, measured with queries made from the rows of the index.

    They depend on the weights w of a query's vectors, whose sum is 1, since the errors of several vectors partly cancel
    out: norms has the values of |w| that were measured, ascending, margins and slacks the results.
    """

    norms: tuple[float, ...]
    margins: tuple[float, ...]  # a score exceeds its estimate by at most this
    slacks: tuple[float, ...]  # the estimate of a row exceeds the score of its list's centre by at most this
    sample: NDArray[np.float16]  # rows from all of the index: (n, dim)

    def margin(self, weights: NDArray[np.float32]) -> float:
        """The margin of a query with these weights, (q,)."""
        return float(np.interp(np.linalg.norm(weights), self.norms, self.margins))

    def slack(self, weights: NDArray[np.float32]) -> float:
        """The slack of a query with these weights, (q,)."""
        return float(np.interp(np.linalg.norm(weights), self.norms, self.slacks))

    def raise_to(self, other: "Bounds") -> "Bounds":
        """The higher ones of both, for the same norms."""
        margins = tuple(map(max, self.margins, other.margins))
        slacks = tuple(map(max, self.slacks, other.slacks))
        return replace(self, margins=margins, slacks=slacks)


@dataclass(frozen=True, slots=True)
class CandidateInfo:
    """The file of a candidate index, and how it was made."""

    name: str
    check: FileCheck
    bounds: Bounds
    n_trained: int  # rows of the pictures in it when its lists were made
    n_measured: int  # rows of the pictures in it when `bounds` were measured
