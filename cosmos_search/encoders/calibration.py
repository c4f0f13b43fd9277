"""Calibrate scores: from a score to the probability that a picture matches (Platt 1999), one curve per encoder."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from math import exp
from pathlib import Path

import numpy as np

from cosmos_search.json_files import read_object, write_object

__all__ = ["Calibration", "fit", "load_packaged"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """probability = 1 / (1 + exp(-slope · (score - middle))). Below the probability `cut_off` a hit is unlikely."""

    slope: float
    middle: float
    cut_off: float = 0.5

    def probability(self, score: float) -> float:
        """0..1."""
        return 1 / (1 + exp(-max(-50.0, min(50.0, self.slope * (score - self.middle)))))

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        write_object(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> "Calibration":
        """Read what `save` wrote. Raises CosmosSearchError or TypeError for anything else."""
        return cls(**read_object(path))


def load_packaged(name: str) -> Calibration:
    """The curve, in this package's data, of a built-in encoder; measured by benchmarks/quality/scenes.py."""
    return Calibration.load(Path(str(files("cosmos_search") / f"data/{name}.calibration.json")))


def fit(matching: Sequence[float], others: Sequence[float]) -> Calibration:
    """The curve for the scores of matching and of other pairs, both weighted as equally frequent.

    Logistic regression by Newton's method, with Platt's targets, which keep it finite for separable scores.
    """
    scores = np.concatenate([matching, others]).astype(np.float64)
    n, m = len(matching), len(others)
    targets = np.concatenate([np.full(n, (n + 1) / (n + 2)), np.full(m, 1 / (m + 2))])
    weights = np.concatenate([np.full(n, 0.5 / n), np.full(m, 0.5 / m)])
    centre, spread = scores.mean(), scores.std() or 1.0
    design = np.stack([(scores - centre) / spread, np.ones_like(scores)], axis=1)
    theta = np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ theta))
        gradient = design.T @ (weights * (p - targets))
        hessian = (design * (weights * p * (1 - p))[:, None]).T @ design + 1e-9 * np.eye(2)
        theta -= np.linalg.solve(hessian, gradient)
    slope = theta[0] / spread
    middle = centre - theta[1] / slope if abs(slope) > 1e-9 else centre  # the scores do not separate the pairs
    return Calibration(round(float(slope), 3), round(float(middle), 4))
