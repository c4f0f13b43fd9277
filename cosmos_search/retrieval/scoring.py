"""The score of a picture for a query: the cosines of all terms with all regions. No input or output."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import Vectors
from indexer.pictures.regions import Box

__all__ = [
    "EncodedTerm",
    "PictureScore",
    "ScoreCurve",
    "add_probability",
    "combine_levels",
    "combine_scores",
    "score_pictures",
]

# Chosen by measurement (benchmarks/quality/scenes.py).
PLACE_PENALTY = 0.3  # subtracted from the cosine of a region outside the place of a term
NEGATIVE_MARGIN = 0.1  # cosine above which a negative term lowers the score, if the encoder has no calibration
TIE_MARGIN = 0.02  # of the regions with at most this distance to the best one, the largest is shown


@dataclass(frozen=True, slots=True)
class EncodedTerm:
    """One term of a query: a unit vector (dim,), weight, sign and place, and the text for the evidence.

    level: subtracted from the term's cosines when scores are calibrated (`Calibration.level`); rankings do not need it.
    margin: of a negative term, the cosine above which it lowers the score.
    """

    vector: NDArray[np.float32]
    weight: float = 1.0
    is_negative: bool = False
    place: Box | None = None
    text: str | None = None  # None: the vector is that of an example image
    level: float = 0.0
    margin: float = NEGATIVE_MARGIN


@dataclass(frozen=True, slots=True)
class ScoreCurve:
    """From the scores of a query to probabilities: 1 / (1 + exp(-slope · (score - middle))). See `Calibration`."""

    slope: float
    middle: float


@dataclass(frozen=True, slots=True)
class PictureScore:
    """Score of a picture, and for each term the cosine and the index of the region to show (0: the whole picture).

    text_probability: 0..1, that the picture matches because of words in its texts; the score contains it.
    """

    picture_id: int
    score: float
    cosines: tuple[float, ...]
    regions: tuple[int, ...]
    text_probability: float = 0.0


def score_pictures(
    terms: Sequence[EncodedTerm],
    ids: Sequence[int],
    rows: Vectors,
    starts: NDArray[np.int64],
    boxes: Sequence[Sequence[Box]],
) -> list[PictureScore]:
    """The score of each picture, and the regions to show.

    ids: (pictures,). rows: (n, dim), the vectors of all pictures, for each the global one first and then its regions;
    starts: (pictures,), the first row of each picture; boxes: for each picture, one for each of its rows.

    score = weighted mean of the best cosines of the positive terms
            - Σ weight · max(0, best cosine - margin) of the negative terms
    """
    cosines = _compute_cosines(terms, rows)  # (n, terms)
    penalized = cosines - np.float32(PLACE_PENALTY) * _compute_misplacement(terms, boxes)
    best = np.maximum.reduceat(penalized, starts)  # (pictures, terms)
    regions = _choose_regions(penalized, best - np.float32(TIE_MARGIN), starts, boxes)
    shown = np.take_along_axis(cosines, regions + starts[:, None], axis=0)
    return [
        PictureScore(int(id_), float(score), tuple(map(float, row)), tuple(map(int, where)))
        for id_, score, row, where in zip(ids, _combine_terms(best, terms), shown, regions, strict=True)
    ]


def combine_scores(
    terms: Sequence[EncodedTerm],
    rows: Vectors,
    starts: NDArray[np.int64],
    boxes: Sequence[Sequence[Box]] | None,
) -> NDArray[np.float32]:
    """Only the scores of `score_pictures`: (pictures,). boxes: None if no term has a place."""
    scores = _compute_cosines(terms, rows)
    if boxes is not None:
        scores = scores - np.float32(PLACE_PENALTY) * _compute_misplacement(terms, boxes)
    return _combine_terms(np.maximum.reduceat(scores, starts), terms)


def combine_levels(terms: Sequence[EncodedTerm]) -> float:
    """The level of a query: the weighted mean of its positive terms' levels, as scores are of their cosines."""
    wanted = [term for term in terms if not term.is_negative]
    return sum(term.weight * term.level for term in wanted) / sum(term.weight for term in wanted)


def add_probability(score: float, probability: float, curve: ScoreCurve | None) -> float:
    """The score of a picture that also matches, for another reason, with a probability: 0..1, below 1.

    If the two are independent, it matches with p + q · (1 - p), where p is the probability of the score. The result
    rises with the score, and is never below it. curve: None: the score is taken as p.
    """
    if curve is None:
        return score + probability * max(0.0, 1 - score)
    odds = exp(max(-50.0, min(50.0, curve.slope * (score - curve.middle))))
    # p = odds / (1 + odds), and 1 - (p + q · (1 - p)) = (1 - q) / (1 + odds)
    return max(score, curve.middle + log((odds + probability) / (1 - probability)) / max(curve.slope, 1e-6))


def _compute_cosines(terms: Sequence[EncodedTerm], rows: Vectors) -> NDArray[np.float32]:
    """(n, terms). Without BLAS, whose threads would compete with other searches for the cores."""
    cosines: NDArray[np.float32] = np.einsum("nd,td->nt", rows, np.stack([term.vector for term in terms]))
    return cosines


def _choose_regions(
    scores: NDArray[np.float32], least: NDArray[np.float32], starts: NDArray[np.int64], boxes: Sequence[Sequence[Box]]
) -> NDArray[np.int64]:
    """For each picture and term, the first of the largest regions with a score of at least `least`: (pictures, terms).

    scores: (n, terms), of the regions of all pictures; least: (pictures, terms).
    """
    n = len(scores)
    picture_of = np.repeat(np.arange(len(starts)), np.diff(starts, append=n))  # (n,)
    areas = np.where(scores >= least[picture_of], _compute_areas(boxes)[:, None], -1.0)
    is_largest = areas == np.maximum.reduceat(areas, starts)[picture_of]
    rows = np.where(is_largest, np.arange(n)[:, None], n)
    chosen: NDArray[np.int64] = np.minimum.reduceat(rows, starts) - starts[:, None]
    return chosen


def _compute_areas(boxes: Sequence[Sequence[Box]]) -> NDArray[np.float32]:
    """Areas of the boxes of all pictures: (n,). Pictures of the same size share their boxes, so few are computed."""
    known = {id(picture): [box.area for box in picture] for picture in {id(p): p for p in boxes}.values()}
    return np.array([area for picture in boxes for area in known[id(picture)]], dtype=np.float32)


def _combine_terms(best: NDArray[np.float32], terms: Sequence[EncodedTerm]) -> NDArray[np.float32]:
    """Scores from the best cosines: (pictures, terms) -> (pictures,)."""
    weights = np.array([term.weight for term in terms], dtype=np.float32)
    is_negative = np.array([term.is_negative for term in terms])
    mean = _weigh(best[:, ~is_negative], weights[~is_negative] / weights[~is_negative].sum())
    margins = np.array([term.margin for term in terms], dtype=np.float32)[is_negative]
    scores: NDArray[np.float32] = mean - _weigh(np.maximum(0, best[:, is_negative] - margins), weights[is_negative])
    return scores


def _weigh(values: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weighted sums: (n, terms), (terms,) -> (n,). The last bit of a row's does not depend on the other rows.

    With BLAS it does, and a picture's score would differ between an index and a share of it.
    """
    total = np.zeros(len(values), dtype=np.float32)
    for column, weight in zip(values.T, weights, strict=True):
        total += column * weight
    return total


def _compute_misplacement(terms: Sequence[EncodedTerm], boxes: Sequence[Sequence[Box]]) -> NDArray[np.float32]:
    """Share of each region outside the place of each term, 0..1: (n, terms)."""
    n_rows = sum(map(len, boxes))
    outside = np.zeros((n_rows, len(terms)), dtype=np.float32)
    for column, term in enumerate(terms):
        if (place := term.place) is not None:
            known = {box: 1 - box.inside(place) for picture in boxes for box in picture}
            outside[:, column] = [known[box] for picture in boxes for box in picture]
    return outside
