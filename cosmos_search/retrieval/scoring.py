"""The score of a picture for a query: each sentence against each region. Pure arithmetic, no input or output."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.encoder import Vectors
from indexer.pictures.regions import Box

__all__ = ["EncodedTerm", "PictureScore", "combine_scores", "score_pictures"]

# Chosen by measurement (benchmarks/quality/scenes.py).
PLACE_PENALTY = 0.3  # what a region loses that lies wholly outside the place asked for
NEGATIVE_MARGIN = 0.1  # cosine above which an unwanted sentence lowers the score
TIE_MARGIN = 0.02  # of regions that come this near to the best one the largest is shown


@dataclass(frozen=True, slots=True)
class EncodedTerm:
    """One part of a query: a vector (dim,) of length 1, its weight, sign and place, and its text for the evidence."""

    vector: NDArray[np.float32]
    weight: float = 1.0
    is_negative: bool = False
    place: Box | None = None
    text: str | None = None  # None: the vector is that of an example image


@dataclass(frozen=True, slots=True)
class PictureScore:
    """One picture's score, and for each term the cosine and the number of the region to show (0: the whole)."""

    picture_id: int
    score: float
    cosines: tuple[float, ...]
    regions: tuple[int, ...]


def score_pictures(
    terms: Sequence[EncodedTerm],
    ids: Sequence[int],
    rows: Vectors,
    starts: NDArray[np.int64],
    boxes: Sequence[Sequence[Box]],
) -> list[PictureScore]:
    """The score of each picture, and the regions to show.

    ids: (pictures,). rows: (n, dim), the vectors of all pictures, of each the global one first and then its regions;
    starts: (pictures,), where each picture's rows begin; boxes: of each picture, one for each of its rows.

    score = weighted mean of the wanted terms' best regions
            - Σ weight · max(0, best region - NEGATIVE_MARGIN) of the unwanted ones
    """
    cosines = _cosines(terms, rows)  # (n, terms)
    placed = cosines - np.float32(PLACE_PENALTY) * _misplacement(terms, boxes)
    best = np.maximum.reduceat(placed, starts)  # (pictures, terms)
    regions = _choose_regions(placed, best - np.float32(TIE_MARGIN), starts, boxes)
    shown = np.take_along_axis(cosines, regions + starts[:, None], axis=0)
    return [
        PictureScore(int(id_), float(score), tuple(map(float, row)), tuple(map(int, where)))
        for id_, score, row, where in zip(ids, _combine(best, terms), shown, regions, strict=True)
    ]


def combine_scores(
    terms: Sequence[EncodedTerm],
    rows: Vectors,
    starts: NDArray[np.int64],
    boxes: Sequence[Sequence[Box]] | None,
) -> NDArray[np.float32]:
    """The scores alone, as `score_pictures` has them: (pictures,). boxes: None if no term has a place."""
    scores = _cosines(terms, rows)
    if boxes is not None:
        scores = scores - np.float32(PLACE_PENALTY) * _misplacement(terms, boxes)
    return _combine(np.maximum.reduceat(scores, starts), terms)


def _cosines(terms: Sequence[EncodedTerm], rows: Vectors) -> NDArray[np.float32]:
    """(n, terms). Not by BLAS, whose threads would take the cores of other searches."""
    cosines: NDArray[np.float32] = np.einsum("nd,td->nt", rows, np.stack([term.vector for term in terms]))
    return cosines


def _choose_regions(
    scores: NDArray[np.float32], least: NDArray[np.float32], starts: NDArray[np.int64], boxes: Sequence[Sequence[Box]]
) -> NDArray[np.int64]:
    """For each picture and term the first of the largest regions whose score is good enough: (pictures, terms).

    scores: (n, terms), of all pictures' regions; least: (pictures, terms).
    """
    n = len(scores)
    picture_of = np.repeat(np.arange(len(starts)), np.diff(starts, append=n))  # (n,)
    areas = np.where(scores >= least[picture_of], _areas(boxes)[:, None], -1.0)
    is_largest = areas == np.maximum.reduceat(areas, starts)[picture_of]
    rows = np.where(is_largest, np.arange(n)[:, None], n)
    chosen: NDArray[np.int64] = np.minimum.reduceat(rows, starts) - starts[:, None]
    return chosen


def _areas(boxes: Sequence[Sequence[Box]]) -> NDArray[np.float32]:
    """Of the boxes of all pictures: (n,). Pictures of one size share their boxes, so few are computed."""
    known = {id(picture): [box.area for box in picture] for picture in {id(p): p for p in boxes}.values()}
    return np.array([area for picture in boxes for area in known[id(picture)]], dtype=np.float32)


def _combine(best: NDArray[np.float32], terms: Sequence[EncodedTerm]) -> NDArray[np.float32]:
    """(pictures, terms) -> (pictures,)."""
    weights = np.array([term.weight for term in terms], dtype=np.float32)
    is_negative = np.array([term.is_negative for term in terms])
    mean: NDArray[np.float32] = best[:, ~is_negative] @ (weights[~is_negative] / weights[~is_negative].sum())
    loss: NDArray[np.float32] = np.maximum(0, best[:, is_negative] - NEGATIVE_MARGIN) @ weights[is_negative]
    scores: NDArray[np.float32] = mean - loss
    return scores


def _misplacement(terms: Sequence[EncodedTerm], boxes: Sequence[Sequence[Box]]) -> NDArray[np.float32]:
    """How much of each region lies outside each term's place, 0..1: (n, terms)."""
    n_rows = sum(map(len, boxes))
    outside = np.zeros((n_rows, len(terms)), dtype=np.float32)
    for column, term in enumerate(terms):
        if (place := term.place) is not None:
            known = {box: 1 - box.inside(place) for picture in boxes for box in picture}
            outside[:, column] = [known[box] for picture in boxes for box in picture]
    return outside
