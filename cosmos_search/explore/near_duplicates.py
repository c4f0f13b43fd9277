"""Pictures that look alike: one picture re-encoded, resized, brightened, mirrored or cropped a little, and its twins.

A picture's whole vector says what it shows, not how: two photos of two pigs are as near as a photo and its copy. So
pictures are compared by their layouts: the whole, and the vectors of the regions pooled in a grid, so that like must
stand where like stands. Pixels are not compared: other pictures of one kind can look alike too.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import cast

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.errors import EmptyIndexError, UsageError
from indexer.pictures.regions import WHOLE, Box, pyramid
from indexer.store.catalog import Catalog
from indexer.store.index import Index
from indexer.store.records import EncoderRecord, PictureRecord

__all__ = ["MIN_COSINE", "near_duplicates"]

# Measured with cosmos-mini: the cosine of a copy to its original, 10 % / median, and how many of them pass 0.9.
#                                      20 photos of scikit-image     430 photo stamps, cut-outs on white
#   mirrored                           0.96 / 0.98   1.00            0.97 / 0.99   1.00
#   cropped by 5 %                     0.97 / 0.99   0.95            0.97 / 0.99   0.99
#   10 % brighter                      0.99 / 1.00   1.00
#   half the size                      0.88 / 0.97   0.85
#   JPEG at quality 60                 0.83 / 0.93   0.70            0.80 / 0.95   0.73
#   all but mirrored                   0.68 / 0.86   0.30            0.51 / 0.80   0.17
#   different pictures, 99 % / 99.9 %  0.62 / 0.95   1 of 190        0.73 / 0.87   43 of 92,235
# Those that pass are a stereo pair, and mostly twins such as two traffic lights. By the wholes alone 173 pass.
# Of the ten photos in this package that scikit-image has too, larger, 0.9 finds six, 0.85 eight, 0.8 all, and none
# takes different photos for one. Of the stamps 0.9 groups 51, 0.85 103, 0.8 156: kinds of things rather than things.
# On real photos 308 of the 367 pairs at 0.85 were different pictures; at 0.95 58 of 60 made copies are found, and 56 of
# 65 groups hold nothing else.
MIN_COSINE = 0.95
GRID = 3  # cells a side
WHOLE_WEIGHT = 1.8  # against each of the six cells: a third of the cosine is the wholes'
N_NUMBERS = 256  # of a layout; at 0.9 chance moves a cosine by 0.01
CENTRED_FROM = 20  # pictures; the mean of fewer is mostly their own
SAMPLE = 2000  # pictures that the mean is taken of
BLOCK = 2000


def near_duplicates(
    index: Index, min_cosine: float = MIN_COSINE, on_progress: Callable[[float], None] = lambda share: None
) -> list[tuple[PictureRecord, ...]]:
    """Groups of two or more pictures, the largest groups first; in a group by date, undated ones last, then by path.

    Leader clustering (Hartigan 1975): the pictures are taken from the largest down, which is most likely the
    original; each joins the leader that is nearest to it, if the cosine of their layouts is at least `min_cosine`, and
    leads a new group otherwise. So all members are near one picture, and a group can't grow into a chain of pictures
    that are each merely similar to the next, as connected components do.

    An index without regions has only the wholes to compare: there, what looks the same in kind passes too.
    on_progress: told the share that is done, 0..1. Raises UsageError for a cosine that isn't in 0..1.
    """
    if not 0 < min_cosine <= 1:
        raise UsageError(f"{min_cosine} is no cosine of near pictures; choose one above 0, and 1 at most.")
    with index.reading_pictures() as catalog:
        encoder = catalog.encoder()
        if encoder is None:
            raise EmptyIndexError(index.place)
        shapes = catalog.sizes(catalog.vector_ids(encoder.id).tolist())
        ids = sorted(shapes, key=lambda id_: (-shapes[id_][0] * shapes[id_][1], id_))
        layouts = _layouts(catalog, encoder, ids, shapes, lambda share: on_progress(share / 2))
        leaders = _leaders(layouts, min_cosine, lambda share: on_progress((1 + share) / 2))
        groups = _groups(ids, leaders)
        pictures = catalog.pictures([id_ for group in groups for id_ in group])
    found = ([pictures[id_] for id_ in group if id_ in pictures] for group in groups)
    return [tuple(sorted(group, key=_by_date)) for group in found if len(group) > 1]


def _layouts(
    catalog: Catalog,
    encoder: EncoderRecord,
    ids: Sequence[int],
    shapes: dict[int, tuple[int, int]],
    on_progress: Callable[[float], None],
) -> NDArray[np.float32]:
    """One unit vector for each picture, in order: (n, N_NUMBERS).

    A picture's cells and the whole, one after the other, projected at random: that keeps cosines (Johnson and
    Lindenstrauss 1984).
    """
    centre = _centre(catalog, encoder, ids)
    n_inputs = (len(_cells()) + 1) * encoder.dim
    projection = np.random.default_rng(0).standard_normal((n_inputs, N_NUMBERS), dtype=np.float32)
    layouts = np.empty((len(ids), N_NUMBERS), dtype=np.float32)
    place = {id_: i for i, id_ in enumerate(ids)}
    for start in range(0, len(ids), BLOCK):
        for row_ids, rows in catalog.vectors_of(ids[start : start + BLOCK], encoder):
            found, starts = np.unique(row_ids, return_index=True)
            shares = [_shares(encoder.regions, *shapes[id_]) for id_ in found.tolist()]
            parts = np.split(rows.astype(np.float32), starts[1:])
            cells = np.stack([s @ part[-s.shape[1] :] for s, part in zip(shares, parts, strict=True)])
            wholes = np.stack([part[0] for part in parts])[:, None]
            weighted = np.concatenate([_unit(cells - centre), WHOLE_WEIGHT * _unit(wholes - centre)], axis=1)
            layouts[[place[id_] for id_ in found.tolist()]] = _unit(weighted.reshape(len(found), -1) @ projection)
        on_progress(min(start + BLOCK, len(ids)) / len(ids))
    return layouts


def _centre(catalog: Catalog, encoder: EncoderRecord, ids: Sequence[int]) -> NDArray[np.float32]:
    """What all pictures have in common: (dim,). It would make any two of them alike (with CLIP 0.5 and more)."""
    if len(ids) < CENTRED_FROM:
        return np.zeros(encoder.dim, dtype=np.float32)
    _, wholes = catalog.global_vectors_of(ids[:: -(-len(ids) // SAMPLE)], encoder)
    return np.asarray(wholes.mean(axis=0, dtype=np.float32))


@lru_cache(maxsize=4096)  # pictures of one camera have one shape
def _shares(kind: str, width: int, height: int) -> NDArray[np.float32]:
    """How much each region of a picture (without regions: the whole) adds to each cell: (cells, regions), sums 1."""
    boxes = pyramid(kind, width, height) or (WHOLE,)
    shares = np.array([[sum(box.inside(side) for side in sides) for box in boxes] for sides in _cells()])
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float32)


def _cells() -> list[tuple[Box, Box]]:
    """Each a part of the grid together with its mirror image: so a mirrored picture has the same layout."""
    spans = [(i / GRID, (i + 1) / GRID) for i in range(GRID)]
    halves = list(zip(spans, reversed(spans), strict=True))[: (GRID + 1) // 2]
    return [
        (Box(left, top, right, bottom), Box(mirrored_left, top, mirrored_right, bottom))
        for top, bottom in spans
        for (left, right), (mirrored_left, mirrored_right) in halves
    ]


def _leaders(
    vectors: NDArray[np.float32], min_cosine: float, on_progress: Callable[[float], None]
) -> NDArray[np.int64]:
    """For each row (n, dim) the row that leads its group; leaders lead themselves: (n,)."""
    known = faiss.IndexFlatIP(vectors.shape[1])
    found: list[int] = []  # the leaders among the rows, as they lie in `known`
    leaders = np.arange(len(vectors))
    for start in range(0, len(vectors), BLOCK):
        block = vectors[start : start + BLOCK]
        cosines, places = known.search(block, 1)  # of nothing: -1 as a place
        near = np.where(places[:, 0] >= 0, cosines[:, 0], -1.0)
        among = block @ block.T
        new: list[int] = []
        for i in range(len(block)):
            to_new = among[i, new]
            if new and to_new.max() >= max(near[i], min_cosine):
                leaders[start + i] = start + new[int(to_new.argmax())]
            elif near[i] >= min_cosine:
                leaders[start + i] = found[places[i, 0]]
            else:
                new.append(i)
        known.add(block[new])
        found += [start + i for i in new]
        on_progress((min(start + BLOCK, len(vectors)) / len(vectors)) ** 2)
    return leaders


def _groups(ids: Sequence[int], leaders: NDArray[np.int64]) -> list[list[int]]:
    groups: dict[int, list[int]] = {}
    for id_, leader in zip(ids, leaders.tolist(), strict=True):
        groups.setdefault(leader, []).append(id_)
    return sorted((group for group in groups.values() if len(group) > 1), key=lambda group: (-len(group), group))


def _by_date(picture: PictureRecord) -> tuple[datetime, str]:
    return picture.facts.metadata.taken_at or datetime.max, str(picture.paths[0])


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return cast(NDArray[np.float32], rows / np.maximum(lengths, 1e-12))
