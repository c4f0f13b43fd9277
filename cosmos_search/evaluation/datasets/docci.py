"""DOCCI (Onoe et al. 2024): docci_descriptions.jsonlines, one long description of each picture."""

from pathlib import Path

from cosmos_search.evaluation.datasets.annotations import choose_split, find_pictures, get_text, iterate_json_lines
from cosmos_search.evaluation.datasets.records import CaptionedFile, CaptionedFiles

__all__ = ["read_docci"]


def read_docci(source: Path, split: str, folders: list[Path]) -> CaptionedFiles:
    """The pictures of a split ("test": 5,000). Raises CosmosSearchError."""
    records = [
        (get_text(record, "split", source, where), where, record) for where, record in iterate_json_lines(source)
    ]
    choose_split(source, [own for own, _, _ in records], split)
    chosen = [(where, record) for own, where, record in records if own == split]
    names = [[get_text(record, "image_file", source, where)] for where, record in chosen]
    texts = [get_text(record, "description", source, where) for where, record in chosen]
    paths = find_pictures(source, names, folders)
    items = [CaptionedFile(path, (text,)) for path, text in zip(paths, texts, strict=True)]
    return CaptionedFiles((source,), tuple(items), split)
