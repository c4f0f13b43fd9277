"""Near duplicates: copies of a picture that are re-encoded, resized, brighter, mirrored or slightly cropped.

A picture's global vector describes what it shows, not the arrangement: two photos of two pigs can be as similar as a
photo and its copy. So pictures are compared by their layouts: the global vector, and the vectors of the regions pooled
in a grid. Pixels are not compared, so that different pictures of one kind of thing can be grouped too.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from indexer.errors import EmptyIndexError, UsageError
from indexer.pictures.regions import WHOLE, Box, pyramid
from indexer.store.catalog import Catalog
from indexer.store.index import Index
from indexer.store.records import EncoderRecord, PictureRecord

__all__ = ["MIN_COSINE", "near_duplicates"]

# Measured on 500 photos of Flickr8k and a changed copy of 100 of them: half the size, JPEG at quality 60, cropped by
# 5 %, mirrored, or 10 % brighter (20 each). Copies that are grouped with their original / groups of different pictures:
#                        0.80     0.85     0.90     0.93     0.95
#   cosmos-mini          98 / 15  96 / 7   84 / 1   73 / 1   59 / 0     (at 0.90, 7 of 20 at half the size)
#   cosmos-mini-conse    95 / 40  91 / 30  79 / 11  67 / 2   64 / 0
MIN_COSINE = 0.9
GRID = 3  # cells a side
GLOBAL_WEIGHT = 1.8  # relative to each of the six cells: the global vectors make a third of the cosine
LAYOUT_DIM = 256  # the projection changes a cosine of 0.9 by about 0.01
MIN_TO_CENTRE = 20  # pictures; the mean of fewer depends too much on each of them
SAMPLE = 2000  # pictures for the mean
BLOCK = 2000


def near_duplicates(
    index: Index, min_cosine: float = MIN_COSINE, on_progress: Callable[[float], None] = lambda share: None
) -> list[tuple[PictureRecord, ...]]:
    """Groups of two or more pictures, the largest groups first; in a group by date, undated ones last, then by path.

    Leader clustering (Hartigan 1975): pictures are processed in descending order of size, because the largest is most
    likely the original. Each joins the most similar leader if the cosine of their layouts is at least `min_cosine`, and
    otherwise leads a new group. So all members are similar to one picture; connected components would also join
    chains of pictures in which each is only similar to the next.

    In an index without regions only global vectors are compared, so that pictures of the same kind of thing pass too.
    on_progress is called with the completed fraction, 0..1. Raises UsageError for a cosine outside 0..1.
    """
    if not 0 < min_cosine <= 1:
        raise UsageError(f"{min_cosine} is not a valid cosine of near duplicates; choose one above 0, and 1 at most.")
    with index.reading_pictures() as catalog:
        encoder = catalog.encoder()
        if encoder is None:
            raise EmptyIndexError(index.place)
        sizes = catalog.sizes(catalog.vector_ids(encoder.id).tolist())
        ids = sorted(sizes, key=lambda id_: (-sizes[id_][0] * sizes[id_][1], id_))
        layouts = _compute_layouts(catalog, encoder, ids, sizes, lambda share: on_progress(share / 2))
        leaders = _find_leaders(layouts, min_cosine, lambda share: on_progress((1 + share) / 2))
        groups = _group_by_leader(ids, leaders)
        pictures = catalog.pictures([id_ for group in groups for id_ in group])
    found = ([pictures[id_] for id_ in group if id_ in pictures] for group in groups)
    return [tuple(sorted(group, key=_get_date_and_path)) for group in found if len(group) > 1]


def _compute_layouts(
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


def _find_leaders(
    vectors: NDArray[np.float32], min_cosine: float, on_progress: Callable[[float], None]
) -> NDArray[np.int64]:
    """For each row (n, dim) the row of its leader; that of a leader is its own: (n,)."""
    import faiss  # takes 40 ms, and this module is imported by every search

    known = faiss.IndexFlatIP(vectors.shape[1])
    found: list[int] = []  # rows of the leaders, in the order of `known`
    leaders = np.arange(len(vectors))
    for start in range(0, len(vectors), BLOCK):
        block = vectors[start : start + BLOCK]
        cosines, places = known.search(block, 1)  # an empty index returns -1 as place
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


def _group_by_leader(ids: Sequence[int], leaders: NDArray[np.int64]) -> list[list[int]]:
    groups: dict[int, list[int]] = {}
    for id_, leader in zip(ids, leaders.tolist(), strict=True):
        groups.setdefault(leader, []).append(id_)
    return sorted((group for group in groups.values() if len(group) > 1), key=lambda group: (-len(group), group))


def _get_date_and_path(picture: PictureRecord) -> tuple[datetime, str]:
    return picture.facts.metadata.taken_at or datetime.max, str(picture.paths[0])


def _normalize(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return cast(NDArray[np.float32], rows / np.maximum(lengths, 1e-12))
