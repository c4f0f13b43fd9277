"""Urban1k (Zhang et al. 2024, Long-CLIP): the folders image/ and caption/, with 221.jpg and 221.txt of one pair."""

from pathlib import Path

from cosmos_search.evaluation.datasets.annotations import find_pictures, read_text
from cosmos_search.evaluation.datasets.errors import AnnotationError
from cosmos_search.evaluation.datasets.records import CaptionedFile, CaptionedFiles

__all__ = ["read_urban1k"]


def read_urban1k(source: Path, folders: list[Path]) -> CaptionedFiles:
    """All pairs; as in the authors' evaluation, the first line of a caption counts. Raises CosmosSearchError."""
    files = sorted((source / "caption").glob("*.txt"))
    if not files:
        raise AnnotationError(source, "it has no folder caption/ with a .txt for each picture")
    captions = []
    for file in files:
        caption = next(iter(read_text(file).splitlines()), "").strip()
        if not caption:
            raise AnnotationError(file, "its first line is empty")
        captions.append((caption,))
    names = [[f"{file.stem}{suffix}" for suffix in (".jpg", ".jpeg", ".png")] for file in files]
    paths = find_pictures(source, names, folders)
    return CaptionedFiles(tuple(files), tuple(map(CaptionedFile, paths, captions)))
