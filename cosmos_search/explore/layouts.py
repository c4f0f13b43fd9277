"""Layout vectors: what a picture shows in each part of it, from the vectors in the index, without opening the file.

A global vector describes what a picture shows, not the arrangement: two photos of two pigs can be as similar as a photo
and its copy. So pictures are compared by the global vector together with the vectors of the regions, pooled in a grid.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from indexer.pictures.regions import WHOLE, Box, pyramid
from indexer.store.catalog import Catalog
from indexer.store.records import EncoderRecord

__all__ = ["compute_layouts"]

GRID = 3  # cells a side
GLOBAL_WEIGHT = 1.8  # relative to each of the six cells: the global vectors make a third of the cosine
LAYOUT_DIM = 256  # the projection changes a cosine of 0.9 by about 0.01
MIN_TO_CENTRE = 20  # pictures; the mean of fewer depends too much on each of them
SAMPLE = 2000  # pictures for the mean
BLOCK = 2000


def compute_layouts(
    catalog: Catalog,
    encoder: EncoderRecord,
    ids: Sequence[int],
    sizes: dict[int, tuple[int, int]],
    on_progress: Callable[[float], None],
) -> NDArray[np.float32]:
    """One unit vector for each picture, in order: (n, LAYOUT_DIM).

    The vectors of the cells and the global vector, concatenated; a random projection approximately keeps cosines
    (Johnson and Lindenstrauss 1984).
    """
    centre = _compute_centre(catalog, encoder, ids)
    n_inputs = (len(_make_cells()) + 1) * encoder.dim
    projection = np.random.default_rng(0).standard_normal((n_inputs, LAYOUT_DIM), dtype=np.float32)
    layouts = np.empty((len(ids), LAYOUT_DIM), dtype=np.float32)
    place = {id_: i for i, id_ in enumerate(ids)}
    for start in range(0, len(ids), BLOCK):
        for row_ids, rows in catalog.vectors_of(ids[start : start + BLOCK], encoder):
            found, starts = np.unique(row_ids, return_index=True)
            shares = [_compute_shares(encoder.regions, *sizes[id_]) for id_ in found.tolist()]
            parts = np.split(rows.astype(np.float32), starts[1:])
            cells = np.stack([s @ part[-s.shape[1] :] for s, part in zip(shares, parts, strict=True)])
            global_vectors = np.stack([part[0] for part in parts])[:, None]
            weighted = np.concatenate(
                [_normalize(cells - centre), GLOBAL_WEIGHT * _normalize(global_vectors - centre)], axis=1
            )
            layouts[[place[id_] for id_ in found.tolist()]] = _normalize(weighted.reshape(len(found), -1) @ projection)
        on_progress(min(start + BLOCK, len(ids)) / len(ids))
    return layouts


def _compute_centre(catalog: Catalog, encoder: EncoderRecord, ids: Sequence[int]) -> NDArray[np.float32]:
    """Mean of the global vectors: (dim,). Without subtracting it, any two are similar (with CLIP 0.5 and more)."""
    if len(ids) < MIN_TO_CENTRE:
        return np.zeros(encoder.dim, dtype=np.float32)
    _, global_vectors = catalog.global_vectors_of(ids[:: -(-len(ids) // SAMPLE)], encoder)
    return np.asarray(global_vectors.mean(axis=0, dtype=np.float32))


@lru_cache(maxsize=4096)  # most pictures of a camera have the same size
def _compute_shares(kind: str, width: int, height: int) -> NDArray[np.float32]:
    """Weight of each region (without regions: of the whole picture) in each cell: (cells, regions); rows sum to 1."""
    boxes = pyramid(kind, width, height) or (WHOLE,)
    shares = np.array([[sum(box.inside(side) for side in sides) for box in boxes] for sides in _make_cells()])
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float32)


def _make_cells() -> list[tuple[Box, Box]]:
    """Each cell of the grid with its mirror image, so that a mirrored picture has the same layout."""
    spans = [(i / GRID, (i + 1) / GRID) for i in range(GRID)]
    halves = list(zip(spans, reversed(spans), strict=True))[: (GRID + 1) // 2]
    return [
        (Box(left, top, right, bottom), Box(mirrored_left, top, mirrored_right, bottom))
        for top, bottom in spans
        for (left, right), (mirrored_left, mirrored_right) in halves
    ]


def _normalize(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return cast(NDArray[np.float32], rows / np.maximum(lengths, 1e-12))
