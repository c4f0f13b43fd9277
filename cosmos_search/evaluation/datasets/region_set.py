"""Descriptions of parts of pictures, one a line: {"image": NAME, "caption": TEXT, "bbox": [left, top, right, bottom]}.

This is the form of SORCE-1K's dataset.jsonl (Liu et al. 2025), whose captions describe one small object each.
"""

from math import isfinite
from pathlib import Path
from typing import Any

from cosmos_search.evaluation.datasets.annotations import find_pictures, get_text, iterate_json_lines
from cosmos_search.evaluation.datasets.errors import AnnotationError
from cosmos_search.evaluation.datasets.records import DescribedRegion, DescribedRegions

__all__ = ["read_region_set"]


def read_region_set(source: Path, folders: list[Path]) -> DescribedRegions:
    """All descriptions. A box is in pixels of the upright picture and may be absent. Raises CosmosSearchError."""
    records = list(iterate_json_lines(source))
    names = [[get_text(record, "image", source, where)] for where, record in records]
    texts = [get_text(record, "caption", source, where) for where, record in records]
    boxes = [_read_box(record.get("bbox"), source, where) for where, record in records]
    paths = find_pictures(source, names, folders)
    return DescribedRegions((source,), tuple(map(DescribedRegion, paths, texts, boxes)))


def _read_box(value: Any, source: Path, where: str) -> tuple[float, float, float, float] | None:
    if value is None:
        return None
    problem = f'{where} has a "bbox" that is not [left, top, right, bottom] in pixels'
    if not isinstance(value, list) or len(value) != 4:
        raise AnnotationError(source, problem)
    if not all(isinstance(n, int | float) and isfinite(n) for n in value):
        raise AnnotationError(source, problem)
    left, top, right, bottom = value
    if not (0 <= left < right and 0 <= top < bottom):
        raise AnnotationError(source, problem)
    return left, top, right, bottom
