"""Densely Captioned Images (Urbanek et al. 2024): a folder with annotations/, photos/ and splits.json."""

from pathlib import Path

from cosmos_search.evaluation.datasets.annotations import choose_split, find_pictures, get_text, read_json
from cosmos_search.evaluation.datasets.errors import AnnotationError
from cosmos_search.evaluation.datasets.records import CaptionedFile, CaptionedFiles

__all__ = ["read_dci"]

ANNOTATIONS = ("annotations", "complete")  # folders with one JSON for each picture


def read_dci(source: Path, split: str | None, folders: list[Path]) -> CaptionedFiles:
    """The pictures of a split of splits.json, or of all, each with its short and its extra caption as one text.

    Raises CosmosSearchError.
    """
    files = _list_annotations(source, split)
    names, texts = [], []
    for file in files:
        record = read_json(file)
        names.append([get_text(record, "image", file, "it")])
        short = get_text(record, "short_caption", file, "it")
        extra = record.get("extra_caption")
        texts.append((f"{short}\n{extra}".strip() if isinstance(extra, str) else short,))
    paths = find_pictures(source, names, folders)
    return CaptionedFiles(tuple(files), tuple(map(CaptionedFile, paths, texts)), split)


def _list_annotations(source: Path, split: str | None) -> list[Path]:
    folder = next((folder for name in ANNOTATIONS if (folder := source / name).is_dir()), None)
    if folder is None:
        raise AnnotationError(source, "it has no folder annotations/ with a JSON file for each picture")
    if split is None:
        return sorted(folder.glob("*.json"))
    splits = read_json(source / "splits.json")
    if not isinstance(splits, dict):
        raise AnnotationError(source / "splits.json", "it is not a JSON object")
    listed = splits[choose_split(source, list(splits), split)]
    return [folder / str(name) for name in listed]
