"""How far scores between 0 and 1 can be read as probabilities: a reliability table and the calibration error.

The expected calibration error is that of Guo et al., "On Calibration of Modern Neural Networks" (2017).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ReliabilityBin", "bin_scores", "calibration_error"]

N_BINS = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The scores in one interval of the width 1 / N_BINS: lower bound, count, mean, and the share that was right."""

    lower: float
    count: int
    mean_score: float
    share_right: float


def bin_scores(scores: NDArray[np.floating], is_right: NDArray[np.bool_]) -> list[ReliabilityBin]:
    """The intervals that hold scores, in ascending order; an upper bound belongs to the next interval, except 1.

    scores: (n,), 0..1; is_right: (n,).
    """
    assert len(scores) == len(is_right), (len(scores), len(is_right))
    numbers = np.minimum((scores * N_BINS).astype(int), N_BINS - 1)
    return [
        ReliabilityBin(
            number / N_BINS,
            int((numbers == number).sum()),
            float(scores[numbers == number].mean()),
            float(is_right[numbers == number].mean()),
        )
        for number in np.unique(numbers).tolist()
    ]


def calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """The mean distance of score and share of the bins, weighted by their counts; NaN without any score."""
    n_scores = sum(part.count for part in bins)
    if not n_scores:
        return float("nan")
    return sum(part.count * abs(part.mean_score - part.share_right) for part in bins) / n_scores
