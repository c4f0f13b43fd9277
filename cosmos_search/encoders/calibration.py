"""Calibrate scores: from a score to the probability that a picture matches (Platt 1999), one curve per encoder.

The scores of some sentences are high with every picture. A background of captioned photos corrects that: a sentence
has a level, which is subtracted from its scores. It rises with the sentence's best scores on the photos, and falls with
its likeness to one of their captions, for then those best scores are matches.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from math import exp, log
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from cosmos_search.json_files import read_object, write_object
from indexer.errors import CosmosSearchError
from indexer.files import replace_file

__all__ = ["MATCH_SHARE", "N_BEST", "Background", "Calibration", "fit", "from_sigmoid", "load_packaged"]

MATCH_SHARE = 0.01  # of the pairs of a sentence and a picture in a collection
N_BEST = 5  # photos of the background
SIGMOID_CUT_OFF = 0.02  # an estimate: it was not measured on photos
BACKGROUND_SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """The vectors of photos and of a caption of each, unit rows: (n, dim), with the weights of both in a level."""

    photos: NDArray[np.float32]
    captions: NDArray[np.float32]
    photo_weight: float
    caption_weight: float

    def measure(self, sentence: NDArray[np.float32]) -> tuple[float, float]:
        """The mean of the highest cosines with photos, and the highest cosine with a caption. sentence: (dim,)."""
        photos = np.partition(self.photos @ sentence, -N_BEST)[-N_BEST:]
        return float(photos.mean()), float((self.captions @ sentence).max())

    def level(self, sentence: NDArray[np.float32]) -> float:
        """The level of a sentence. sentence: (dim,)."""
        photos, caption = self.measure(sentence)
        return self.photo_weight * photos + self.caption_weight * caption

    def save(self, path: Path) -> None:
        """Write it as safetensors, the vectors in half precision."""
        weights = {"photo_weight": str(self.photo_weight), "caption_weight": str(self.caption_weight)}
        vectors = {"photos": self.photos.astype(np.float16), "captions": self.captions.astype(np.float16)}
        replace_file(path, lambda file: file.write(save(vectors, weights)))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote. Raises CosmosSearchError for anything else."""
        try:
            tensors = load_file(path)
            with safe_open(path, "numpy") as file:
                weights = file.metadata()
            photos, captions = (tensors[name].astype(np.float32) for name in ("photos", "captions"))
            return cls(photos, captions, float(weights["photo_weight"]), float(weights["caption_weight"]))
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise CosmosSearchError(f"{path} is not a background of a calibration ({error}).") from error


@dataclass(frozen=True, slots=True)
class Calibration:
    """probability = 1 / (1 + exp(-slope · (score - level - middle))).

    cut_off: the probability below which a hit is unlikely. background: for the levels; None: they are 0.
    """

    slope: float
    middle: float
    cut_off: float = 0.15
    background: Background | None = None

    def level(self, sentence: NDArray[np.float32]) -> float:
        """What is subtracted from the scores of a sentence. sentence: its unit vector, (dim,)."""
        return self.background.level(sentence) if self.background is not None else 0.0

    def probability(self, score: float, level: float = 0.0) -> float:
        """0..1. level: of the sentence; of several sentences the weighted mean."""
        return 1 / (1 + exp(-max(-50.0, min(50.0, self.slope * (score - level - self.middle)))))

    def score(self, probability: float, level: float = 0.0) -> float:
        """The score that has this probability, above 0 and below 1: the inverse of `probability`."""
        return level + self.middle + log(probability / (1 - probability)) / max(self.slope, 1e-6)

    def save(self, path: Path) -> None:
        """Write the curve as JSON, and the background beside it."""
        write_object(path, {name: value for name, value in asdict(self).items() if name != "background"})
        if self.background is not None:
            self.background.save(path.with_suffix(BACKGROUND_SUFFIX))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote. Raises CosmosSearchError or TypeError for anything else."""
        background = path.with_suffix(BACKGROUND_SUFFIX)
        return cls(**read_object(path), background=Background.load(background) if background.exists() else None)


def load_packaged(name: str) -> Calibration:
    """The calibration, in this package's data, of a built-in encoder; fitted by benchmarks/quality/calibrate.py."""
    return Calibration.load(Path(str(files("cosmos_search") / f"data/{name}.calibration.json")))


def from_sigmoid(scale: float, bias: float) -> Calibration:
    """The curve of a network that was trained to give the sigmoid of scale · cosine + bias (SigLIP).

    In its training a picture had one match among thousands of texts, so that a match with few words has a low
    probability, and the cut-off is lower than usual.
    """
    return Calibration(scale, -bias / scale, SIGMOID_CUT_OFF)


def fit(matching: Sequence[float], others: Sequence[float], match_share: float = MATCH_SHARE) -> Calibration:
    """The curve for the scores of matching and of other pairs, if `match_share` of all pairs match.

    Logistic regression by Newton's method, with Platt's targets, which keep it finite for separable scores.
    """
    scores = np.concatenate([matching, others]).astype(np.float64)
    n, m = len(matching), len(others)
    targets = np.concatenate([np.full(n, (n + 1) / (n + 2)), np.full(m, 1 / (m + 2))])
    weights = np.concatenate([np.full(n, match_share / n), np.full(m, (1 - match_share) / m)])
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
