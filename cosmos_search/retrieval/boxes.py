"""Fit the box of a sentence to its heat map, from the region of the grid that matches it best."""

import numpy as np
from numpy.typing import NDArray

from indexer.pictures.regions import Box

__all__ = ["find_box"]

# Chosen on scenes with known boxes (benchmarks/quality/scenes.py). Smoothing the map here made no difference.
MARGIN = 0.25  # the box may leave the region by this share of its width and height, on each side
DEPTH = 0.7  # of the height of the peak above the map's median: how far below the peak values still count
MASS = 0.9  # share of the values above the level that the box holds, across and down
N_SAMPLES = 32  # of the map, across and down the enlarged region
FLAT = 1e-6  # a peak that is no higher above the median is none


def find_box(heat: NDArray[np.float32], region: Box) -> Box:
    """The box around the highest values of a heat map in and near a region.

    The map is sampled inside the region, enlarged by MARGIN on each side. Values count by how far they exceed a level
    between the peak there and the median of the whole map; the box holds MASS of their sum across and down. It lies
    inside the enlarged region, so it may extend beyond the region.

    heat: (rows, columns), both above 0, covering the whole picture; of any scale.
    Returns the region itself if no value in it exceeds the median (a flat map, or a peak elsewhere), or if the map has
    values that are not finite.
    """
    if not np.isfinite(heat).all():
        return region
    width, height = region.right - region.left, region.bottom - region.top
    across = _sample(region.left - MARGIN * width, region.right + MARGIN * width)
    down = _sample(region.top - MARGIN * height, region.bottom + MARGIN * height)
    values = _interpolate(down, heat.shape[0]) @ heat @ _interpolate(across, heat.shape[1]).T
    height_of_peak = values.max() - np.median(heat)
    if height_of_peak <= FLAT:
        return region
    mass = np.maximum(values - (values.max() - DEPTH * height_of_peak), 0.0)
    left, right = _find_quantiles(across, mass.sum(axis=0))
    top, bottom = _find_quantiles(down, mass.sum(axis=1))
    return Box(left, top, right, bottom)


def _sample(start: float, end: float) -> NDArray[np.float64]:
    """The centres of N_SAMPLES equal intervals of the part of start..end that lies in 0..1."""
    start, end = max(0.0, start), min(1.0, end)
    return start + (end - start) * (np.arange(N_SAMPLES) + 0.5) / N_SAMPLES


def _interpolate(places: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Weights of n cells over 0..1 for linear interpolation between their centres: (places, n)."""
    cells = np.clip(places * n - 0.5, 0, n - 1)
    weights: NDArray[np.float64] = np.maximum(0.0, 1 - np.abs(cells[:, None] - np.arange(n)))
    return weights


def _find_quantiles(places: NDArray[np.float64], mass: NDArray[np.float64]) -> tuple[float, float]:
    """Where the middle MASS of the mass begins and ends. mass: of the intervals around the places, sum above 0."""
    step = places[1] - places[0]
    edges = np.append(places - step / 2, places[-1] + step / 2)
    share = np.concatenate([[0.0], np.cumsum(mass)]) / mass.sum()
    start, end = np.interp([(1 - MASS) / 2, (1 + MASS) / 2], share, edges)
    return round(float(start), 4), round(float(end), 4)
