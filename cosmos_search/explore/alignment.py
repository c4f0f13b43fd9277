"""Whether two pictures are copies of each other: they are aligned, and compared part by part.

A copy may be turned by a multiple of 90 degrees, mirrored, cropped by up to 30 % of each side, framed, brighter, of
other contrast, blurred by resizing. Pictures are squares of luminance, so that their aspect ratios don't matter.

1. Coarse: each picture's crops (441, of 70 to 100 % of its width and height) are compared with the eight orientations
   of the other one at 16×16 pixels, by normalized cross-correlation. The best crop and orientation are kept.
2. Refined: position and size of the crop are fitted by Gauss-Newton, together with gain and offset of the luminance
   (Lucas and Kanade 1981; Bartoli 2008), at 32×32 and then at 64×64 pixels.
3. Compared: see `structure`.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cosmos_search.explore.structure import TINY, compare_structure, correlate
from indexer.cores import available_cores
from indexer.ingest.threads import ordered_map, workers

__all__ = ["align_pair", "compare_pairs", "make_orientations"]

Floats = NDArray[np.float32]
Gray = NDArray[np.uint8]
Pairs = NDArray[np.int64]
T = TypeVar("T", bound=np.generic)

N_ORIENTATIONS = 8
COARSE, MEDIUM, FINE = 16, 32, 64  # pixels a side
SIDES = (1.0, 0.94, 0.88, 0.82, 0.76, 0.7)  # of crops; the steps are one pixel of the coarse size
MIN_COARSE, MIN_MEDIUM = 0.8, 0.9  # correlations, below those of 99.9 % of the copies
STEPS = {MEDIUM: 4}  # of Gauss-Newton; 3 at other sizes
MAX_SHIFT = 0.04  # of the side, in one step
MIN_SIDE, MAX_SIDE = 0.5, 2.0  # of the part of one picture that the other shows
MIN_AREA = 0.4  # of the picture, that both show
MIN_CONTRAST = 3.0  # gray levels; plainer pictures can't be compared
BLOCK = 64  # pairs that are refined at once


def compare_pairs(pictures: Gray, pairs: Pairs, on_progress: Callable[[float], None] = lambda share: None) -> Floats:
    """The similarity of each pair at its best alignment: (m,), up to 1, 0 where it can't be aligned.

    pictures: (n, side, side), luminance. pairs: (m, 2), two rows of `pictures` each.
    """
    similarities = np.zeros(len(pairs), dtype=np.float32)
    scores, crops, orientations, leads = _align_coarsely(pictures, pairs, lambda share: on_progress(share / 2))
    rows = np.flatnonzero(scores >= MIN_COARSE)

    def compare(block: NDArray[np.int64]) -> Floats:
        first = pictures[pairs[block, leads[block]]]
        others = zip(pairs[block, 1 - leads[block]], orientations[block].tolist(), strict=True)
        second = [_orient(pictures[row], orientation) for row, orientation in others]
        return _compare_aligned(first.astype(np.float32), np.stack(second).astype(np.float32), crops[block])

    blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
    n_threads = available_cores()
    with workers(n_threads) as pool:
        for i, found in enumerate(ordered_map(pool, compare, blocks, 2 * n_threads)):
            similarities[blocks[i]] = found
            on_progress(0.5 + (i + 1) / len(blocks) / 2)
    return similarities


def align_pair(first: Gray, second: Gray, side: int) -> tuple[Floats, Floats, Floats]:
    """Two pictures (n, n) at their best alignment, and 1 where both show something: three times (1, side, side).

    side: a power of two, 64 or more.
    """
    pictures = np.stack([_shrink(first, FINE), _shrink(second, FINE)])
    _, crops, (orientation,), (lead,) = _align_coarsely(pictures, np.array([(0, 1)]), lambda share: None)
    if lead:
        first, second = second, first
    a, b = first[None].astype(np.float32), _orient(second, int(orientation))[None].astype(np.float32)
    fitted = MEDIUM
    while fitted <= side:
        crops, _ = _refine(a, b, crops, fitted)
        fitted *= 2
    return _warp(a, b, crops, side)


def make_orientations(squares: NDArray[T]) -> NDArray[T]:
    """Squares turned by 0, 90, 180 and 270 degrees, and the mirror images of these: (..., 8, side, side)."""
    return np.stack([_orient(squares, number) for number in range(N_ORIENTATIONS)], axis=-3)


def _orient(squares: NDArray[T], number: int) -> NDArray[T]:
    turned = np.rot90(squares, number % 4, axes=(-2, -1))
    return turned[..., ::-1] if number >= 4 else turned


# First step


def _align_coarsely(
    pictures: Gray, pairs: Pairs, on_progress: Callable[[float], None]
) -> tuple[Floats, Floats, NDArray[np.int64], NDArray[np.int64]]:
    """For each pair: the correlation (m,), the crop (m, 4), the orientation (m,), and which of the two is cropped (m,).

    Each picture of a pair is tried as the one that is cropped.
    """
    small = np.zeros((len(pictures), COARSE, COARSE), dtype=np.uint8)
    for i in np.unique(pairs):
        small[i] = _shrink(pictures[i], COARSE)
    best = np.full(len(pairs), -1, dtype=np.float32)
    numbers, turns, leads = (np.zeros(len(pairs), dtype=np.int64) for _ in range(3))

    def align(group: tuple[int, NDArray[np.int64], NDArray[np.int64]]) -> tuple[NDArray[np.int64], Floats]:
        """For each pair and orientation the number of the best crop and its correlation: (m, 8)."""
        lead, _, others = group
        oriented = _standardize(make_orientations(small[others]).reshape(-1, COARSE**2).astype(np.float32))
        correlations = _make_crops(_shrink(pictures[lead], MEDIUM).astype(np.float32)) @ oriented.T
        found, highest = correlations.argmax(axis=0), correlations.max(axis=0)
        return found.reshape(-1, N_ORIENTATIONS), highest.reshape(-1, N_ORIENTATIONS)

    n_threads = available_cores()
    for lead in (0, 1):
        groups = [(i, rows, pairs[rows, 1 - lead]) for i, rows in _group_rows(pairs[:, lead])]
        with workers(n_threads) as pool:
            for done, (found, highest) in enumerate(ordered_map(pool, align, groups, 16 * n_threads)):
                rows, turn = groups[done][1], highest.argmax(axis=1)
                score = highest.max(axis=1)
                better = score > best[rows]
                at = rows[better]
                best[at], turns[at], leads[at] = score[better], turn[better], lead
                numbers[at] = found[better, turn[better]]
                if done % 64 == 0:
                    on_progress((lead + done / len(groups)) / 2)
    return best, _get_crops(numbers), turns, leads


def _group_rows(keys: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each key with the rows where it stands."""
    if len(keys):
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.diff(keys[order]))
        for rows in np.split(order, starts + 1):
            yield int(keys[rows[0]]), rows


def _make_crops(picture: Floats) -> Floats:
    """All crops of a picture (side, side), small and standardized: (crops, COARSE²), by top, then by left."""
    n = len(_SPANS)
    across = picture @ _SPAN_WEIGHTS.reshape(n * COARSE, -1).T  # (side, n · COARSE)
    crops = (_SPAN_WEIGHTS.reshape(n * COARSE, -1) @ across).reshape(n, COARSE, n, COARSE)
    return _standardize(crops.transpose(0, 2, 1, 3).reshape(n * n, -1))


def _get_crops(numbers: NDArray[np.int64]) -> Floats:
    """The crops with these numbers: left, width, top, height, of the picture: (m, 4)."""
    return np.concatenate([_SPANS[numbers % len(_SPANS)], _SPANS[numbers // len(_SPANS)]], axis=1)


def _shrink(picture: Gray, side: int) -> Gray:
    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BOX))


def _standardize(rows: Floats) -> Floats:
    """Rows of mean 0 and length 1."""
    centred = rows - rows.mean(axis=-1, keepdims=True)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=-1, keepdims=True), TINY), dtype=np.float32)


# Second and third step


def _compare_aligned(first: Floats, second: Floats, crops: Floats) -> Floats:
    """The similarity of pairs (m, side, side), given approximate crops of the first pictures (m, 4): (m,)."""
    similarities = np.zeros(len(first), dtype=np.float32)
    crops, correlations = _refine(first, second, crops, MEDIUM)
    rows = np.flatnonzero(correlations >= MIN_MEDIUM)
    if len(rows):
        crops, _ = _refine(first[rows], second[rows], crops[rows], FINE)
        warped, target, shown = _warp(first[rows], second[rows], crops, FINE)
        is_comparable = (shown.mean(axis=(1, 2)) >= MIN_AREA) & (_deviate(target) >= MIN_CONTRAST)
        similarities[rows] = np.where(is_comparable, compare_structure(warped, target, shown), 0)
    return similarities


def _refine(first: Floats, second: Floats, crops: Floats, side: int) -> tuple[Floats, Floats]:
    """The crops fitted by Gauss-Newton, and the correlation at the last but one step.

    second ≈ gain · warp(first, crop) + offset, linearized in the four numbers of the crop: a least-squares problem.
    """
    crops, correlations = crops.copy(), np.zeros(len(first), dtype=np.float32)
    along = _centres(side)
    for _ in range(STEPS.get(side, 3)):
        warped, target, shown = _warp(first, second, crops, side)
        slope_x = np.gradient(warped, axis=2) * side / crops[:, 1, None, None]
        slope_y = np.gradient(warped, axis=1) * side / crops[:, 3, None, None]
        columns = [slope_x, slope_x * along, slope_y, slope_y * along[:, None], warped, np.ones_like(warped)]
        inputs = (np.stack(columns, axis=-1) * shown[..., None]).reshape(len(first), -1, len(columns))
        outputs = (target * shown).reshape(len(first), -1, 1)
        normal = inputs.transpose(0, 2, 1) @ inputs + TINY * np.eye(len(columns), dtype=np.float32)
        damping = 1e-4 * np.trace(normal[:, :4, :4], axis1=1, axis2=2) + TINY
        normal[:, range(4), range(4)] += damping[:, None]
        solved = np.linalg.solve(normal, inputs.transpose(0, 2, 1) @ outputs)[..., 0]
        gain = np.where(np.abs(solved[:, 4:5]) < 0.1, 0.1, solved[:, 4:5])
        crops = crops + np.clip(solved[:, :4] / gain, -MAX_SHIFT, MAX_SHIFT)
        crops[:, 1::2] = np.clip(crops[:, 1::2], MIN_SIDE, MAX_SIDE)
        correlations = correlate(warped, target, shown)
    return crops.astype(np.float32), correlations


def _warp(first: Floats, second: Floats, crops: Floats, side: int) -> tuple[Floats, Floats, Floats]:
    """The crops of the first pictures and the second pictures: (m, side, side); and 1 where both show something."""
    across = _weigh(crops[:, 0], crops[:, 1], first.shape[2], side)
    down = _weigh(crops[:, 2], crops[:, 3], first.shape[1], side)
    whole = _weigh(np.zeros(1, np.float32), np.ones(1, np.float32), second.shape[1], side)[0]
    along = _centres(side)
    x = crops[:, 0, None] + crops[:, 1, None] * along
    y = crops[:, 2, None] + crops[:, 3, None] * along
    shown = ((x > 0) & (x < 1))[:, None, :] & ((y > 0) & (y < 1))[:, :, None]
    warped = np.asarray(down @ first @ across.transpose(0, 2, 1), dtype=np.float32)
    return warped, np.asarray(whole @ second @ whole.T, dtype=np.float32), shown.astype(np.float32)


def _deviate(pictures: Floats) -> Floats:
    return np.asarray(pictures.std(axis=(1, 2)), dtype=np.float32)


def _centres(side: int) -> Floats:
    """The centres of pixels, 0..1: (side,)."""
    return np.asarray((np.arange(side) + 0.5) / side, dtype=np.float32)


def _weigh(starts: Floats, lengths: Floats, n_from: int, n_to: int) -> Floats:
    """Weights that resample parts of a line, with a triangle filter as wide as needed: (m, n_to, n_from).

    starts, lengths: of the parts (m,), as fractions of the line.
    """
    centres = (starts[:, None] + lengths[:, None] * _centres(n_to)) * n_from - 0.5
    radius = np.maximum(1, lengths * n_from / n_to)[:, None, None]
    weights = np.maximum(0, 1 - np.abs(centres[:, :, None] - np.arange(n_from, dtype=np.float32)) / radius)
    return np.asarray(weights / np.maximum(weights.sum(axis=2, keepdims=True), TINY), dtype=np.float32)


_SPANS = np.array(
    [(start, side) for i, side in enumerate(SIDES) for start in np.linspace(0, 1 - side, i + 1)], dtype=np.float32
)
_SPAN_WEIGHTS = _weigh(_SPANS[:, 0], _SPANS[:, 1], MEDIUM, COARSE)
