"""Karpathy's JSON of COCO, Flickr8k and Flickr30k (Karpathy and Fei-Fei 2015): "images", each with its split."""

from pathlib import Path
from typing import Any

from cosmos_search.evaluation.datasets.annotations import choose_split, find_pictures, get_text
from cosmos_search.evaluation.datasets.errors import AnnotationError
from cosmos_search.evaluation.datasets.records import CaptionedFile, CaptionedFiles

__all__ = ["N_CAPTIONS", "is_karpathy", "read_karpathy"]

N_CAPTIONS = 5  # of a picture that papers use; some have six or seven


def is_karpathy(content: Any) -> bool:
    """True if this JSON has Karpathy's form."""
    images = content.get("images") if isinstance(content, dict) else None
    return isinstance(images, list) and bool(images) and isinstance(images[0], dict) and "sentences" in images[0]


def read_karpathy(source: Path, content: Any, split: str, folders: list[Path]) -> CaptionedFiles:
    """The pictures of a split with their first five captions. content: the parsed JSON. Raises CosmosSearchError."""
    images = content["images"]
    splits = [get_text(image, "split", source, f"images[{number}]") for number, image in enumerate(images)]
    choose_split(source, splits, split)
    names: list[list[str]] = []
    captions: list[tuple[str, ...]] = []
    for number, image in enumerate(images):
        if splits[number] != split:
            continue
        where = f"images[{number}]"
        name = get_text(image, "filename", source, where)
        names.append([f"{image['filepath']}/{name}", name] if image.get("filepath") else [name])
        captions.append(_read_captions(image, source, where))
    paths = find_pictures(source, names, folders)
    return CaptionedFiles((source,), tuple(map(CaptionedFile, paths, captions)), split)


def _read_captions(image: Any, source: Path, where: str) -> tuple[str, ...]:
    sentences = image.get("sentences")
    if not isinstance(sentences, list) or not sentences:
        raise AnnotationError(source, f'{where} has no list "sentences"')
    return tuple(
        get_text(sentence, "raw", source, f"{where} sentences[{i}]")
        for i, sentence in enumerate(sentences[:N_CAPTIONS])
    )
