"""Open a test set by its name."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

from cosmos_search.evaluation.datasets.annotations import list_folders, read_json
from cosmos_search.evaluation.datasets.caption_lines import PICTURE_FOLDERS, read_caption_lines
from cosmos_search.evaluation.datasets.classes import read_class_folders, read_imagenet
from cosmos_search.evaluation.datasets.coco_captions import read_coco_captions
from cosmos_search.evaluation.datasets.dci import read_dci
from cosmos_search.evaluation.datasets.docci import read_docci
from cosmos_search.evaluation.datasets.errors import AnnotationError
from cosmos_search.evaluation.datasets.iiw import read_iiw
from cosmos_search.evaluation.datasets.karpathy import is_karpathy, read_karpathy
from cosmos_search.evaluation.datasets.origins import ORIGINS, Name
from cosmos_search.evaluation.datasets.records import CaptionedFiles, DataSet
from cosmos_search.evaluation.datasets.region_set import read_region_set
from cosmos_search.evaluation.datasets.sharegpt4v import read_sharegpt4v
from cosmos_search.evaluation.datasets.sugarcrepe import read_sugarcrepe
from cosmos_search.evaluation.datasets.urban1k import read_urban1k
from cosmos_search.evaluation.datasets.winoground import read_winoground
from indexer.errors import UsageError

__all__ = ["draw_sample", "open_dataset"]

# Folders of pictures beside the annotations, as the archives name them.
FOLDERS: Mapping[Name, tuple[str, ...]] = {
    "coco": ("val2014", "val2017", "images"),
    "docci": ("images",),
    "dci": ("photos",),
    "urban1k": ("image", "images"),
    "iiw": ("docci", "docci_aar", "dci", "images", "images_aar", "photos"),
    "sharegpt4v": ("data", "images"),
    "regions": ("full_res", "images"),
    "sugarcrepe": ("val2017", "images"),
    "winoground": ("images",),
}


def open_dataset(name: Name, source: Path, *, images: Path | None = None, split: str | None = None) -> DataSet:
    """The test set of that name, from the files as its authors publish them.

    source: what `ORIGINS` says. images: the folder of the pictures, if they are not beside the source.
    split: by default that of the published figures. For captions one a line: a file with the names of the pictures.
    Raises CosmosSearchError for files in another form and for missing pictures, UsageError for an unknown split.
    """
    if not source.exists():
        raise AnnotationError(source, "there is no such file or folder")
    folders = list_folders(source, images, FOLDERS.get(name, PICTURE_FOLDERS))
    wanted = split or ORIGINS[name].split or ""
    match name:
        case "coco" | "flickr8k" | "flickr30k":
            return _open_captions(source, split, folders)
        case "docci":
            return read_docci(source, wanted, folders)
        case "dci":
            return read_dci(source, split, folders)
        case "sharegpt4v":
            return read_sharegpt4v(source, wanted, folders)
    if split is not None:
        raise UsageError(f"The set {name} has no splits.")
    match name:
        case "urban1k":
            return read_urban1k(source, folders)
        case "iiw":
            return read_iiw(source, folders)
        case "regions":
            return read_region_set(source, folders)
        case "sugarcrepe":
            return read_sugarcrepe(source, folders)
        case "winoground":
            return read_winoground(source, folders)
        case "imagenet":
            return read_imagenet(source)
        case "classes":
            return read_class_folders(source)


def draw_sample(found: DataSet, n: int, seed: int) -> DataSet:
    """The set with n items, drawn at random, in their order; all of them if there are no more than n."""
    chosen = sorted(Random(seed).sample(range(len(found.items)), min(n, len(found.items))))
    items = tuple(found.items[i] for i in chosen)
    return replace(found, items=items)  # type: ignore[arg-type]  # they are of the same kind


def _open_captions(source: Path, split: str | None, folders: list[Path]) -> CaptionedFiles:
    """COCO or Flickr, in the form that the file has."""
    if source.suffix.lower() != ".json":
        return read_caption_lines(source, split, folders)
    content = read_json(source)
    if is_karpathy(content):
        return read_karpathy(source, content, split or "test", folders)
    if split is not None:
        raise UsageError(f"{source} has no splits.")
    return read_coco_captions(source, content, folders)
