"""What the manifest of an index stores about its candidate index. Without FAISS, whose import takes 0.1 s."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["DEPTHS", "CandidateInfo", "FileCheck", "Probing"]

DEPTHS = (10, 100, 1000)  # the numbers of best pictures whose recall is measured


@dataclass(frozen=True, slots=True)
class FileCheck:
    """Detects a damaged file. The codes and ids at its end are not included: no value of theirs can crash FAISS."""

    n_bytes: int
    head_bytes: int
    head_crc: int


@dataclass(frozen=True, slots=True)
class Probing:
    """What was measured on a candidate index with queries made from its own rows."""

    n_probes: tuple[int, ...]  # for each of DEPTHS, the number of lists to search
    # For one query, the true score of a picture exceeds its estimate by more than this in 0.5 % of the cases; for
    # several with weights w, by more than margin · |w|.
    margin: float
    sample: NDArray[np.float16]  # rows from all of the index: (n, dim)

    def n_probe(self, depth: float) -> int | None:
        """The number of lists to search for this many best pictures; None: all."""
        return next((n for limit, n in zip(DEPTHS, self.n_probes, strict=True) if depth <= limit), None)


@dataclass(frozen=True, slots=True)
class CandidateInfo:
    """The file of a candidate index, and how it was made."""

    name: str
    check: FileCheck
    probing: Probing
    n_trained: int  # rows of the pictures in it when its lists were made
    n_measured: int  # rows of the pictures in it when `probing` was measured
