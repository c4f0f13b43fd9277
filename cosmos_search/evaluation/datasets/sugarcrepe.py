"""SugarCrepe (Hsieh et al. 2023): add_att.json, swap_obj.json and others, a right and a wrong caption each."""

from pathlib import Path

from cosmos_search.evaluation.datasets.annotations import find_pictures, get_text, read_json
from cosmos_search.evaluation.datasets.errors import AnnotationError
from cosmos_search.evaluation.datasets.records import CaptionPair, CaptionPairs

__all__ = ["read_sugarcrepe"]


def read_sugarcrepe(source: Path, folders: list[Path]) -> CaptionPairs:
    """The pairs of a JSON file, or of all in a folder; the category is the file's name. Raises CosmosSearchError."""
    files = sorted(source.glob("*.json")) if source.is_dir() else [source]
    if not files:
        raise AnnotationError(source, "it has no JSON files")
    names, texts = [], []
    for file in files:
        entries = read_json(file)
        if not isinstance(entries, dict):
            raise AnnotationError(file, "it is not a JSON object")
        for key, entry in entries.items():
            where = f'entry "{key}"'
            names.append([get_text(entry, "filename", file, where)])
            right, wrong = (get_text(entry, name, file, where) for name in ("caption", "negative_caption"))
            texts.append((right, wrong, file.stem))
    paths = find_pictures(source, names, folders)
    return CaptionPairs(tuple(files), tuple(CaptionPair(path, *own) for path, own in zip(paths, texts, strict=True)))
