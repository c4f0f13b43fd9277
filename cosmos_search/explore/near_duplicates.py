"""Near duplicates: copies of a picture that are re-encoded, resized, brighter, turned or slightly cropped; and bursts.

Candidates are found by vectors and by very small pictures; each pair is then verified on its pixels. So different
photos of similar things are not grouped. People delete files by these groups: a copy that is missed costs less than a
photo that is lost. The thresholds were measured by benchmarks/quality/duplicates.py.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cosmos_search.explore.alignment import compare_pairs
from cosmos_search.explore.best_picture import Quality, Reason, choose_best, measure_quality
from cosmos_search.explore.bursts import find_bursts, is_in_sequence
from cosmos_search.explore.candidates import find_pairs
from cosmos_search.explore.duplicate_groups import DuplicateGroup, Duplicates, split_components
from cosmos_search.explore.layouts import compute_layouts
from cosmos_search.explore.luminance import read_luminance
from indexer.cores import available_cores
from indexer.errors import EmptyIndexError
from indexer.ingest.threads import ordered_map, workers
from indexer.pictures.images import reading_pictures
from indexer.store.index import Index
from indexer.store.records import PictureRecord

__all__ = ["MIN_SIMILARITY", "near_duplicates"]

MIN_SIMILARITY = 0.95  # of copies, see `compare_pairs`
LAYOUTS, READING, CANDIDATES = 0.1, 0.6, 0.65  # completed fractions after these steps


def near_duplicates(index: Index, on_progress: Callable[[float], None] = lambda share: None) -> Duplicates:
    """Groups of pictures that are copies of each other, and bursts.

    Each member of a group of copies is verified against the best one, so that a chain of small changes isn't a group.
    Files with the same content are one picture; such a picture with several files is a group by itself. Every picture
    is decoded once: some 50 a second and core for photos of 12 megapixels.
    on_progress is called with the completed fraction, 0..1. Raises EmptyIndexError if there are no pictures.
    """
    with index.reading_pictures() as catalog:
        encoder = catalog.encoder()
        if encoder is None:
            raise EmptyIndexError(index.place)
        ids = catalog.vector_ids(encoder.id).tolist()
        layouts = compute_layouts(catalog, encoder, ids, catalog.sizes(ids), lambda share: on_progress(LAYOUTS * share))
        found = catalog.pictures(ids)
    rows = [row for row, id_ in enumerate(ids) if id_ in found]
    pictures, layouts = [found[ids[row]] for row in rows], layouts[rows]
    squares, is_read = read_luminance(pictures, lambda s: on_progress(LAYOUTS + (READING - LAYOUTS) * s))
    pairs = find_pairs(squares, layouts, is_read)
    on_progress(CANDIDATES)
    similarities = compare_pairs(squares, pairs, lambda s: on_progress(CANDIDATES + (1 - CANDIDATES) * s))
    copies = list(_group_copies(pictures, squares, pairs[similarities >= MIN_SIMILARITY], is_read))
    readable = [picture for picture, is_there in zip(pictures, is_read, strict=True) if is_there]
    bursts = list(_group_bursts(readable, layouts[is_read], copies))
    on_progress(1.0)
    groups = [*sorted(copies, key=_get_order), *sorted(bursts, key=_get_order)]
    return Duplicates(tuple(groups), len(readable), len(pictures) - len(readable))


def _group_copies(
    pictures: Sequence[PictureRecord],
    squares: NDArray[np.uint8],
    pairs: NDArray[np.int64],
    is_read: NDArray[np.bool_],
) -> Iterator[DuplicateGroup]:
    """Groups around the best picture of those that are connected by verified pairs; then files of the same content."""
    neighbours: dict[int, set[int]] = {}
    for a, b in pairs.tolist():
        if not is_in_sequence(pictures[a], pictures[b]):
            neighbours.setdefault(a, set()).add(b)
            neighbours.setdefault(b, set()).add(a)
    qualities = _measure_all(pictures, sorted(neighbours))
    grouped: set[int] = set()
    for component in split_components({row: near & qualities.keys() for row, near in neighbours.items()}):
        left = sorted(component & qualities.keys(), key=lambda row: pictures[row].paths)
        while len(left) > 1:
            best, others, reasons = _take_group(left, pictures, squares, qualities)
            if others:
                yield DuplicateGroup("copies", pictures[best], reasons, tuple(pictures[row] for row in others))
            grouped |= {best, *others} if others else set()
            left = [row for row in left if row != best and row not in others]
    for row in np.flatnonzero(is_read).tolist():
        if row not in grouped and len(pictures[row].paths) > 1:
            group = DuplicateGroup("copies", pictures[row], ("same content",), ())
            if group.other_paths:
                yield group


def _take_group(
    rows: Sequence[int],
    pictures: Sequence[PictureRecord],
    squares: NDArray[np.uint8],
    qualities: dict[int, Quality],
) -> tuple[int, list[int], tuple[Reason, ...]]:
    """The best of these pictures, those that are its copies, and the reasons why it is better than they are."""
    best = rows[choose_best([qualities[row] for row in rows])[0]]
    rest = [row for row in rows if row != best and not is_in_sequence(pictures[row], pictures[best])]
    similarities = compare_pairs(squares, np.array([(best, row) for row in rest], dtype=np.int64).reshape(-1, 2))
    others = [row for row, similarity in zip(rest, similarities, strict=True) if similarity >= MIN_SIMILARITY]
    return best, others, choose_best([qualities[row] for row in (best, *others)])[1]


def _group_bursts(
    pictures: Sequence[PictureRecord], layouts: NDArray[np.float32], copies: Sequence[DuplicateGroup]
) -> Iterator[DuplicateGroup]:
    """Bursts of pictures that are not copies of another one; of copies, the best one is taken."""
    inferior = {picture.id for group in copies for picture in group.others}
    unique = [picture for picture in pictures if picture.id not in inferior]
    bursts = find_bursts(unique, {picture.id: row for picture, row in zip(pictures, layouts, strict=True)})
    for burst in bursts:
        qualities = _measure_all(burst, range(len(burst)))
        if len(qualities) > 1:
            rows = sorted(qualities)
            chosen, reasons = choose_best([qualities[row] for row in rows])
            others = tuple(burst[row] for row in rows if row != rows[chosen])
            yield DuplicateGroup("burst", burst[rows[chosen]], reasons, others)


def _measure_all(pictures: Sequence[PictureRecord], rows: Sequence[int]) -> dict[int, Quality]:
    """The qualities of these pictures by row; without those that can't be read any more."""
    n_threads = available_cores()
    with reading_pictures(), workers(n_threads) as pool:
        found = list(ordered_map(pool, lambda row: measure_quality(pictures[row]), rows, 2 * n_threads))
    return {row: quality for row, quality in zip(rows, found, strict=True) if quality is not None}


def _get_order(group: DuplicateGroup) -> tuple[int, datetime, str]:
    taken = group.best.facts.metadata.taken_at
    return -len(group.pictures), taken.replace(tzinfo=None) if taken else datetime.max, str(group.keep)
