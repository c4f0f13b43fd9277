"""ImageInWords (Garg et al. 2024): data.jsonl of IIW-400, DOCCI_Test and DCI_Test, one long text of each picture."""

from pathlib import Path

from cosmos_search.evaluation.datasets.annotations import find_pictures, get_text, iterate_json_lines
from cosmos_search.evaluation.datasets.errors import AnnotationError
from cosmos_search.evaluation.datasets.records import CaptionedFile, CaptionedFiles

__all__ = ["read_iiw"]

PARTS = ("DOCCI_Test", "IIW-400", "DCI_Test")  # with texts by people; papers use the 612 pictures of all three
TEXT = "IIW"


def read_iiw(source: Path, folders: list[Path]) -> CaptionedFiles:
    """The pictures of a data.jsonl, or of those in the folders PARTS of a folder. Raises CosmosSearchError."""
    files = (
        [file for part in PARTS if (file := source / part / "data.jsonl").is_file()] if source.is_dir() else [source]
    )
    if not files:
        raise AnnotationError(source, f"it has no data.jsonl in {', '.join(PARTS)}")
    names, texts = [], []
    for file in files:
        for where, record in iterate_json_lines(file):
            name = get_text(record, "image/key" if "image/key" in record else "image", file, where)
            names.append([name if name.endswith(".jpg") else f"{name}.jpg"])
            texts.append((get_text(record, TEXT, file, where),))
    paths = find_pictures(source, names, folders)
    return CaptionedFiles(tuple(files), tuple(map(CaptionedFile, paths, texts)))
