"""Boxes, and the pyramid of overlapping regions that are embedded besides the whole picture."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

__all__ = ["REGIONS", "WHOLE", "Box", "Regions", "pyramid", "whole_and_regions"]

Regions = Literal["none", "fast", "fine"]  # the kinds of pyramids
REGIONS: tuple[Regions, ...] = get_args(Regions)
OVERLAP = 0.2  # as a fraction of a cell, on each inner side


@dataclass(frozen=True, slots=True)
class Box:
    """A part of an upright picture: left, top, right, bottom as fractions of its width and height, 0..1."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """The area as a fraction of the picture, 0..1."""
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)

    def common(self, other: "Box") -> float:
        """The area of the intersection."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, width) * max(0.0, height)

    def inside(self, other: "Box") -> float:
        """The fraction of this box that is inside the other, 0..1."""
        return self.common(other) / self.area

    def iou(self, other: "Box") -> float:
        """Intersection over union."""
        common = self.common(other)
        return common / (self.area + other.area - common)

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """The box in pixels of a picture of this size, at least one pixel wide and high."""
        left, top = min(int(self.left * width), width - 1), min(int(self.top * height), height - 1)
        return left, top, max(left + 1, round(self.right * width)), max(top + 1, round(self.bottom * height))


WHOLE = Box(0.0, 0.0, 1.0, 1.0)
CENTRE = Box(0.25, 0.25, 0.75, 0.75)


@lru_cache(maxsize=4096)  # pictures of one camera have the same shape
def pyramid(kind: str, width: int, height: int) -> tuple[Box, ...]:
    """The regions of a picture of this size. kind: one of REGIONS.

    "fast": a 2×2 and a 3×3 grid and the centre; "fine": a 3×3 and a 5×5 grid. Neighbours overlap. A wide or tall
    picture has more columns or rows, so that regions are almost square. The result must not change between versions:
    the vectors in an index have this order.
    """
    levels = {"none": (), "fast": (2, 3), "fine": (3, 5)}[kind]
    centre = (CENTRE,) if kind == "fast" else ()
    return (*(box for level in levels for box in _make_grid(level, width / height)), *centre)


@lru_cache(maxsize=4096)
def whole_and_regions(kind: str, width: int, height: int) -> tuple[Box, ...]:
    """The boxes of a picture's vectors, in their order: the whole picture, then its regions."""
    return WHOLE, *pyramid(kind, width, height)


def _make_grid(level: int, shape: float) -> list[Box]:
    stretch = shape**0.5
    n_columns = min(3 * level, max(1, round(level * stretch)))
    n_rows = min(3 * level, max(1, round(level / stretch)))
    columns, rows = _divide(n_columns), _divide(n_rows)
    return [Box(left, top, right, bottom) for top, bottom in rows for left, right in columns]


def _divide(n: int) -> list[tuple[float, float]]:
    """n equal spans over 0..1 that overlap with their neighbours."""
    width = min(1.0, (1 + 2 * OVERLAP) / n) if n > 1 else 1.0
    step = (1 - width) / (n - 1) if n > 1 else 0.0
    return [(round(i * step, 4), round(i * step + width, 4)) for i in range(n)]
