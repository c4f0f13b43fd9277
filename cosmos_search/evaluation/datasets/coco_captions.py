"""COCO's own captions_val2017.json or captions_val2014.json (Chen et al. 2015): "images" and "annotations"."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from cosmos_search.evaluation.datasets.annotations import find_pictures, get_text
from cosmos_search.evaluation.datasets.errors import AnnotationError
from cosmos_search.evaluation.datasets.karpathy import N_CAPTIONS
from cosmos_search.evaluation.datasets.records import CaptionedFile, CaptionedFiles

__all__ = ["read_coco_captions"]


def read_coco_captions(source: Path, content: Any, folders: list[Path]) -> CaptionedFiles:
    """All pictures with captions, in the order of the file, with their first five. Raises CosmosSearchError."""
    images, annotations = (content.get(key) if isinstance(content, dict) else None for key in ("images", "annotations"))
    if not isinstance(images, list) or not isinstance(annotations, list):
        raise AnnotationError(source, 'it is neither Karpathy\'s JSON nor COCO\'s with "images" and "annotations"')
    captions: dict[Any, list[str]] = defaultdict(list)
    for number, annotation in enumerate(annotations):
        text = get_text(annotation, "caption", source, f"annotations[{number}]")
        captions[annotation.get("image_id")].append(text)
    names, texts = [], []
    for number, image in enumerate(images):
        name = get_text(image, "file_name", source, f"images[{number}]")
        if own := captions.get(image.get("id")):
            names.append([name])
            texts.append(tuple(own[:N_CAPTIONS]))
    paths = find_pictures(source, names, folders)
    return CaptionedFiles((source,), tuple(map(CaptionedFile, paths, texts)))
