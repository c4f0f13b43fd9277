"""How alike two aligned pictures are, window by window: contrast and structure of SSIM (Wang et al. 2004).

The brightness and the contrast of the whole pictures don't matter. Pictures are (m, side, side), luminance 0..255;
`shown` is 1 where both show something.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["TINY", "compare_structure", "correlate", "find_least_structure"]

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

WINDOW = 8  # pixels
NOISE = 8.0  # gray levels: the contrast of a window that says little
MIN_CONTRAST = 20.0  # gray levels: of a window that tells something by itself
SHARE = 0.0001  # of these windows may be less alike: a digit in a page has more
TINY = 1e-3


def compare_structure(warped: Floats, target: Floats, shown: Floats) -> Floats:
    """The mean over windows that both show, weighted by the larger contrast: (m,), up to 1.

    Plain parts count little: they are alike in any two pictures.
    """
    similarity, contrast = _compare_windows(warped, target, shown)
    total = contrast.sum(axis=(1, 2))
    return np.asarray((similarity * contrast).sum(axis=(1, 2)) / np.maximum(total, TINY), dtype=np.float32)


def find_least_structure(warped: Floats, target: Floats, shown: Floats) -> float:
    """The least of any window with some contrast, up to 1: low if two pictures (m = 1) differ in a small part."""
    similarity, contrast = _compare_windows(warped, target, shown)
    clear = similarity[contrast >= MIN_CONTRAST]
    return float(np.quantile(clear, SHARE)) if len(clear) else 1.0


def correlate(warped: Floats, target: Floats, shown: Floats) -> Floats:
    """The normalized cross-correlation where both show something: (m,)."""
    a, b = _centre(warped, shown), _centre(target, shown)
    lengths = np.sqrt((a**2).sum(axis=(1, 2)) * (b**2).sum(axis=(1, 2)))
    return np.asarray((a * b).sum(axis=(1, 2)) / np.maximum(lengths, TINY), dtype=np.float32)


def _compare_windows(warped: Floats, target: Floats, shown: Floats) -> tuple[Doubles, Doubles]:
    """For each window: the similarity, and the larger contrast, 0 if not both show all of it: (m, windows, windows).

    The contrasts of the two pictures are made equal first, by amplifying the weaker one.
    """
    first, second = _centre(warped, shown), _centre(target, shown)
    energies = [np.maximum((one**2).sum(axis=(1, 2), keepdims=True), TINY) for one in (first, second)]
    gain = np.sqrt(energies[1] / energies[0])
    a, b = (first * np.maximum(gain, 1)).astype(np.float64), (second * np.maximum(1 / gain, 1)).astype(np.float64)
    mean_a, mean_b = _average_windows(a), _average_windows(b)  # cumulative sums need the precision
    variance_a = np.maximum(_average_windows(a**2) - mean_a**2, 0)
    variance_b = np.maximum(_average_windows(b**2) - mean_b**2, 0)
    covariance = _average_windows(a * b) - mean_a * mean_b
    similarity = (2 * covariance + NOISE**2) / (variance_a + variance_b + NOISE**2)
    is_inside = _average_windows(shown.astype(np.float64)) > 1 - TINY
    return similarity, np.sqrt(np.maximum(variance_a, variance_b)) * is_inside


def _average_windows(pictures: Doubles) -> Doubles:
    """Means over all windows, at every other pixel: (m, windows, windows)."""
    sums = np.pad(pictures, ((0, 0), (1, 0), (1, 0))).cumsum(axis=1).cumsum(axis=2)
    n = WINDOW
    windows = sums[:, n:, n:] - sums[:, :-n, n:] - sums[:, n:, :-n] + sums[:, :-n, :-n]
    return np.asarray(windows[:, ::2, ::2] / n**2)


def _centre(pictures: Floats, shown: Floats) -> Floats:
    """The pictures minus their mean where something is shown, 0 elsewhere."""
    n_shown = np.maximum(shown.sum(axis=(1, 2), keepdims=True), 1)
    return np.asarray((pictures - (pictures * shown).sum(axis=(1, 2), keepdims=True) / n_shown) * shown)
