"""The score of a picture for a query: each sentence against each region. Pure arithmetic, no input or output."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import Vectors
from indexer.pictures.regions import Box

__all__ = ["Scored", "Scoring", "Wanted", "score_pictures"]


@dataclass(frozen=True, slots=True)
class Scoring:
    """The formula's parameters, chosen by measurement (benchmarks/quality/scenes.py)."""

    weakest: float = 0.0  # the share of the weakest sentence in the score, beside the weighted mean
    whole: float = 0.0  # how much the whole text against the whole picture adds
    place: float = 0.3  # what a region loses that lies wholly outside the place asked for
    negative: float = 1.0  # what an unwanted sentence takes off for each cosine above `floor`
    floor: float = 0.1
    nearly: float = 0.02  # of regions that come this near to the best one the largest is shown


@dataclass(frozen=True, slots=True)
class Wanted:
    """A sentence of the query as a vector (dim,), with its weight, sign and place."""

    vector: NDArray[np.float32]
    weight: float = 1.0
    is_negative: bool = False
    place: Box | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """One picture's score, and for each sentence the cosine and the number of the region to show; 0 is the whole."""

    score: float
    cosines: tuple[float, ...]
    regions: tuple[int, ...]


def score_pictures(
    wanted: Sequence[Wanted],
    whole: NDArray[np.float32] | None,
    rows: Vectors,
    starts: NDArray[np.int64],
    boxes: Sequence[Sequence[Box]],
    scoring: Scoring,
) -> list[Scored]:
    """The score of each picture.

    rows: (n, dim), the vectors of all pictures, of each the whole first and then its regions; starts: (pictures,),
    where each picture's rows begin; boxes: of each picture, one for each of its rows. whole: the whole text's vector.

    score = (1 - weakest) · weighted mean + weakest · minimum of the wanted sentences' best regions
            + whole · cosine(whole text, whole picture) - negative · Σ weight · max(0, best unwanted - floor)
    """
    cosines = rows @ np.stack([w.vector for w in wanted]).T  # (n, sentences)
    placed = cosines - scoring.place * _misplacement(wanted, boxes)
    best = np.maximum.reduceat(placed, starts)  # (pictures, sentences)
    regions = _choose_regions(placed, best - np.float32(scoring.nearly), starts, boxes)
    shown = np.take_along_axis(cosines, regions + starts[:, None], axis=0)
    scores = _combine(best, wanted, scoring)
    if whole is not None and scoring.whole:
        scores = scores + scoring.whole * (rows[starts] @ whole)
    return [
        Scored(float(score), tuple(map(float, row)), tuple(map(int, where)))
        for score, row, where in zip(scores, shown, regions, strict=True)
    ]


def _choose_regions(
    scores: NDArray[np.float32], least: NDArray[np.float32], starts: NDArray[np.int64], boxes: Sequence[Sequence[Box]]
) -> NDArray[np.int64]:
    """For each picture and sentence the first of the largest regions whose score is good enough: (pictures, sentences).

    scores: (n, sentences), of all pictures' regions; least: (pictures, sentences).
    """
    n = len(scores)
    picture_of = np.repeat(np.arange(len(starts)), np.diff(starts, append=n))  # (n,)
    areas = np.where(scores >= least[picture_of], _areas(boxes)[:, None], -1.0)
    is_largest = areas == np.maximum.reduceat(areas, starts)[picture_of]
    rows = np.where(is_largest, np.arange(n)[:, None], n)
    chosen: NDArray[np.int64] = np.minimum.reduceat(rows, starts) - starts[:, None]
    return chosen


def _areas(boxes: Sequence[Sequence[Box]]) -> NDArray[np.float32]:
    """Of the boxes of all pictures: (n,). Pictures of one shape share their boxes, so few are computed."""
    known = {id(picture): [box.area for box in picture] for picture in {id(p): p for p in boxes}.values()}
    return np.array([area for picture in boxes for area in known[id(picture)]], dtype=np.float32)


def _combine(best: NDArray[np.float32], wanted: Sequence[Wanted], scoring: Scoring) -> NDArray[np.float32]:
    """(pictures, sentences) -> (pictures,)."""
    weights = np.array([w.weight for w in wanted], dtype=np.float32)
    is_negative = np.array([w.is_negative for w in wanted])
    good, bad = best[:, ~is_negative], best[:, is_negative]
    mean: NDArray[np.float32] = good @ (weights[~is_negative] / weights[~is_negative].sum())
    loss: NDArray[np.float32] = np.maximum(0, bad - scoring.floor) @ weights[is_negative]
    weakest: NDArray[np.float32] = good.min(axis=1)
    scores: NDArray[np.float32] = (1 - scoring.weakest) * mean + scoring.weakest * weakest - scoring.negative * loss
    return scores


def _misplacement(wanted: Sequence[Wanted], boxes: Sequence[Sequence[Box]]) -> NDArray[np.float32]:
    """How much of each region lies outside each sentence's place, 0..1: (n, sentences)."""
    n_rows = sum(map(len, boxes))
    outside = np.zeros((n_rows, len(wanted)), dtype=np.float32)
    for column, sentence in enumerate(wanted):
        if (place := sentence.place) is not None:
            known = {box: 1 - box.inside(place) for picture in boxes for box in picture}
            outside[:, column] = [known[box] for picture in boxes for box in picture]
    return outside
