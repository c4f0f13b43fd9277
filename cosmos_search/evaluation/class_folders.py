"""A data set for classification: one folder of pictures for each class, named after it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cosmos_search.evaluation.zero_shot import LabelledPicture
from indexer.errors import CosmosSearchError, PictureError
from indexer.files import open_file
from indexer.pictures.images import open_picture, reading_pictures
from indexer.pictures.walk import walk

__all__ = ["ClassFolders", "open_class_folders"]


@dataclass(frozen=True, slots=True)
class ClassFolders:
    """The folders of two or more classes; the index of a folder is its label."""

    folders: tuple[Path, ...]

    @property
    def names(self) -> list[str]:
        """The names of the classes: those of their folders, with spaces for underscores."""
        return [folder.name.replace("_", " ") for folder in self.folders]

    def list_files(self) -> Iterator[tuple[Path, int]]:
        """The pictures of all classes with their labels; none is opened."""
        for label, folder in enumerate(self.folders):
            for directory in walk(folder):
                yield from ((file.path, label) for file in directory.files)

    def read(self, min_side: int) -> Iterator[LabelledPicture]:
        """The pictures of all classes, upright and in RGB; files that cannot be read are skipped.

        min_side: pixels of the shorter side that decoding keeps.
        """
        with reading_pictures():
            for path, label in self.list_files():
                try:
                    with open_file(path) as file:
                        image = open_picture(file, min_side=min_side).image
                except (PictureError, OSError):
                    continue
                yield LabelledPicture(image, label)


def open_class_folders(folder: Path) -> ClassFolders:
    """The folders inside this one. Raises CosmosSearchError if there are fewer than two."""
    folders = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if len(folders) < 2:
        raise CosmosSearchError(f"{folder} should hold two or more folders, one for each class, with pictures.")
    return ClassFolders(tuple(folders))
