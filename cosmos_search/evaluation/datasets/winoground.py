"""Winoground (Thrush et al. 2022): examples.jsonl and images/, two pictures and two captions of the same words."""

from pathlib import Path

from cosmos_search.evaluation.datasets.annotations import find_pictures, get_text, iterate_json_lines
from cosmos_search.evaluation.datasets.records import PicturePair, PicturePairs

__all__ = ["read_winoground"]


def read_winoground(source: Path, folders: list[Path]) -> PicturePairs:
    """All examples. The file names pictures without suffix ("ex_0_img_0"). Raises CosmosSearchError."""
    records = list(iterate_json_lines(source))
    stems = [get_text(record, f"image_{i}", source, where) for where, record in records for i in (0, 1)]
    captions = [get_text(record, f"caption_{i}", source, where) for where, record in records for i in (0, 1)]
    paths = find_pictures(source, [[f"{stem}.png", f"{stem}.jpg", stem] for stem in stems], folders)
    items = [PicturePair((paths[i], paths[i + 1]), (captions[i], captions[i + 1])) for i in range(0, len(paths), 2)]
    return PicturePairs((source,), tuple(items))
