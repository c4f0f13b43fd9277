"""The outline of a grid: which pictures it has, in what order and shape, so that it can be laid out as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from indexer.store.shapes import PictureShape

__all__ = ["Outline", "make_outline"]

MIN_RATIO, MAX_RATIO = 0.3, 4.0  # of width to height; the rest of a longer picture is cut off in the grid


@dataclass(frozen=True, slots=True)
class Outline:
    """All pictures of a grid, in order."""

    ids: list[int]
    ratios: list[float]  # of width to height
    months: list[tuple[str, int]]  # "2024-06" or "", and how many pictures in a row; empty: not in order of dates


def make_outline(shapes: Sequence[PictureShape], by_date: bool) -> Outline:
    """The outline of pictures in this order."""
    months = (f"{shape.taken_at:%Y-%m}" if shape.taken_at else "" for shape in shapes)
    return Outline(
        ids=[shape.id for shape in shapes],
        ratios=[round(min(MAX_RATIO, max(MIN_RATIO, shape.width / shape.height)), 3) for shape in shapes],
        months=[(month, sum(1 for _ in run)) for month, run in groupby(months)] if by_date else [],
    )
