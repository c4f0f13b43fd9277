"""Near duplicates: copies of a picture that are re-encoded, resized, brighter, turned or slightly cropped; and bursts.

Candidates are found by vectors and by very small pictures; each pair is then verified on its pixels. So different
photos of similar things are not grouped. People delete files by these groups: a copy that is missed costs less than a
photo that is lost. The thresholds were measured by benchmarks/quality/duplicates.py.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cosmos_search.explore.alignment import compare_pairs
from cosmos_search.explore.best_picture import Quality, choose_best, measure_quality
from cosmos_search.explore.bursts import find_bursts
from cosmos_search.explore.candidates import find_pairs
from cosmos_search.explore.duplicate_groups import DuplicateGroup, Duplicates, GroupKind, split_components
from cosmos_search.explore.layouts import compute_layouts
from cosmos_search.explore.luminance import has_content, read_luminance
from cosmos_search.explore.pages import differ_in_part, read_page
from indexer.cores import available_cores
from indexer.ingest.threads import ordered_map, workers
from indexer.pictures.images import reading_pictures
from indexer.store.errors import EmptyIndexError
from indexer.store.index import Index
from indexer.store.records import PictureRecord

__all__ = ["MIN_SIMILARITY", "near_duplicates"]

# Of copies, see `compare_pairs`: above that of two photos of a burst in Flickr8k (0.93) and of slides that differ in a
# line (0.89), and below that of 99.6 % of the pairs of made copies.
MIN_SIMILARITY = 0.94
LAYOUTS, READING, CANDIDATES = 0.1, 0.6, 0.65  # completed fractions after these steps


def near_duplicates(index: Index, on_progress: Callable[[float], None] = lambda share: None) -> Duplicates:
    """Groups of pictures that are copies of each other, and bursts.

    Each member of a group of copies is verified against the best one, so that a chain of small changes isn't a group.
    Files with the same content are one picture; such a picture with several files is a group by itself. Every picture
    is decoded once; those whose files were deleted or changed since they were indexed are left out, and counted.
    on_progress is called with the completed fraction, 0..1. Raises EmptyIndexError if there are no pictures.
    """
    with index.reading_pictures() as catalog:
        encoder = catalog.encoder()
        if encoder is None:
            raise EmptyIndexError(index.place)
        ids = catalog.vector_ids(encoder.id).tolist()
        layouts = compute_layouts(catalog, encoder, ids, catalog.sizes(ids), lambda share: on_progress(LAYOUTS * share))
        found = catalog.pictures(ids)
    indexed = [found[id_] for id_ in ids if id_ in found]
    squares, is_read = read_luminance(indexed, lambda share: on_progress(LAYOUTS + (READING - LAYOUTS) * share))
    pictures = [picture for picture, is_there in zip(indexed, is_read, strict=True) if is_there]
    collection = _Collection(pictures, squares, layouts[[id_ in found for id_ in ids]][is_read])
    pairs = find_pairs(collection.squares, collection.layouts)
    on_progress(CANDIDATES)
    copies = list(collection.group_copies(pairs, lambda share: on_progress(CANDIDATES + (1 - CANDIDATES) * share)))
    bursts = list(collection.group_bursts(copies))
    on_progress(1.0)
    groups = [*sorted(copies, key=_get_order), *sorted(bursts, key=_get_order)]
    return Duplicates(tuple(groups), len(pictures), len(indexed) - len(pictures))


class _Collection:
    """Readable pictures, their luminance (n, side, side) and their layouts (n, dim)."""

    def __init__(
        self, pictures: Sequence[PictureRecord], squares: NDArray[np.uint8], layouts: NDArray[np.float32]
    ) -> None:
        self.pictures = pictures
        self.squares = squares
        self.layouts = layouts
        self._bursts = find_bursts(pictures, layouts)
        self._burst_of = {row: number for number, rows in enumerate(self._bursts) for row in rows}

    def group_copies(self, pairs: NDArray[np.int64], on_progress: Callable[[float], None]) -> Iterator[DuplicateGroup]:
        """Groups around the best of the pictures that are connected by copies; then files of the same content."""
        similarities = compare_pairs(self.squares, pairs, on_progress)
        neighbours: dict[int, set[int]] = {}
        for a, b in pairs[similarities >= MIN_SIMILARITY].tolist():
            if not self._are_two_shots(a, b):
                neighbours.setdefault(a, set()).add(b)
                neighbours.setdefault(b, set()).add(a)
        versions = self._read_versions(sorted(neighbours))
        grouped: set[int] = set()
        for component in split_components(neighbours):
            left = sorted(component & versions.keys(), key=lambda row: self.pictures[row].paths)
            while len(left) > 1:
                best = left[choose_best([versions[row].quality for row in left])[0]]
                group = [best, *self._verify(best, [row for row in left if row != best])]
                if len(group) > 1:
                    yield _make_group("copies", [versions[row] for row in group])
                    grouped |= set(group)
                left = [row for row in left if row not in group]
        several = [row for row, one in enumerate(self.pictures) if row not in grouped and len(one.paths) > 1]
        for version in self._read_versions(several).values():
            same_content = DuplicateGroup("copies", version.picture, ("same content",), ())
            if same_content.other_paths:
                yield same_content

    def group_bursts(self, copies: Sequence[DuplicateGroup]) -> Iterator[DuplicateGroup]:
        """The bursts, of copies only the best one."""
        inferior = {picture.id for group in copies for picture in group.others}
        for burst in self._bursts:
            rows = [row for row in burst if self.pictures[row].id not in inferior]
            versions = list(self._read_versions(rows).values())
            if len(versions) > 1:
                yield _make_group("burst", versions)

    def _are_two_shots(self, a: int, b: int) -> bool:
        """True for two photos of a burst that were taken at different times, however similar their pixels are."""
        first, second = self.pictures[a].facts.metadata, self.pictures[b].facts.metadata
        number = self._burst_of.get(a)
        return number is not None and number == self._burst_of.get(b) and first.taken_at != second.taken_at

    def _verify(self, best: int, rows: Sequence[int]) -> list[int]:
        """Those of these pictures that are copies of the best one."""
        left = [row for row in rows if not self._are_two_shots(best, row)]
        pairs = np.array([(best, row) for row in left], dtype=np.int64).reshape(-1, 2)
        similarities = compare_pairs(self.squares, pairs)
        alike = [row for row, similarity in zip(left, similarities, strict=True) if similarity >= MIN_SIMILARITY]
        return self._drop_other_pages(best, alike)

    def _drop_other_pages(self, best: int, rows: Sequence[int]) -> list[int]:
        """These pictures without those that, like the best one, are pages and differ from it in a part."""
        n_threads = available_cores()
        with reading_pictures(), workers(n_threads) as pool:
            page = read_page(self.pictures[best])
            if page is None:
                return list(rows)

            def is_other(row: int) -> bool:
                other = read_page(self.pictures[row])
                return other is not None and differ_in_part(page, other)

            are_other = ordered_map(pool, is_other, rows, 2 * n_threads)
            return [row for row, is_other_page in zip(rows, are_other, strict=True) if not is_other_page]

    def _read_versions(self, rows: Sequence[int]) -> "dict[int, _Version]":
        """The versions by row, without those that can't be read any more."""
        n_threads = available_cores()
        with reading_pictures(), workers(n_threads) as pool:
            found = list(ordered_map(pool, _read_version, [self.pictures[row] for row in rows], 2 * n_threads))
        return {row: version for row, version in zip(rows, found, strict=True) if version is not None}


@dataclass(frozen=True, slots=True)
class _Version:
    """A picture with the files that still have its content, and its quality."""

    picture: PictureRecord
    quality: Quality


def _read_version(picture: PictureRecord) -> _Version | None:
    paths = tuple(path for path in picture.paths if has_content(path, picture))
    quality = measure_quality(picture)
    return None if not paths or quality is None else _Version(replace(picture, paths=paths), quality)


def _make_group(kind: GroupKind, versions: Sequence[_Version]) -> DuplicateGroup:
    best, reasons = choose_best([version.quality for version in versions])
    others = tuple(version.picture for i, version in enumerate(versions) if i != best)
    return DuplicateGroup(kind, versions[best].picture, reasons, others)


def _get_order(group: DuplicateGroup) -> tuple[int, datetime, str]:
    taken = group.best.facts.metadata.taken_at
    return -len(group.pictures), taken.replace(tzinfo=None) if taken else datetime.max, str(group.keep)
