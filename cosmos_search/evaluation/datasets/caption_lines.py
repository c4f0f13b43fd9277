"""Captions one a line: Flickr8k.token.txt, Flickr30k's results_20130124.token, and Kaggle's captions.txt."""

import csv
import re
from pathlib import Path

from cosmos_search.evaluation.datasets.annotations import find_pictures, read_text
from cosmos_search.evaluation.datasets.errors import AnnotationError
from cosmos_search.evaluation.datasets.karpathy import N_CAPTIONS
from cosmos_search.evaluation.datasets.records import CaptionedFile, CaptionedFiles
from indexer.errors import UsageError
from indexer.files import expand_home, read_file

__all__ = ["PICTURE_FOLDERS", "TABLE_HEADER", "read_caption_lines", "split_table_line", "split_token_line"]

# Flickr8k's archive spells its folder "Flicker8k_Dataset"; Kaggle's copy calls it "Images".
PICTURE_FOLDERS = (
    "Flicker8k_Dataset", "Flickr8k_Dataset", "flickr30k-images", "flickr30k_images", "Images", "images",
)  # fmt: skip
TOKEN_LINE = re.compile(r"(?P<name>[^\t]+)#\d+\t(?P<caption>.*)", re.DOTALL)
TABLE_HEADER = "image,caption"


def read_caption_lines(source: Path, split: str | None, folders: list[Path]) -> CaptionedFiles:
    """The pictures with their first five captions. split: a file with the names of those to use; None: all.

    Raises CosmosSearchError.
    """
    captions = _read_captions(source)
    sources: tuple[Path, ...] = (source,)
    if split is not None:
        names = _read_names(split)
        if unknown := [name for name in names if name not in captions]:
            raise AnnotationError(source, f"it has no caption of {unknown[0]}, which {split} lists")
        captions = {name: captions[name] for name in names}
        sources = (source, expand_home(split))
    paths = find_pictures(source, [[name] for name in captions], folders)
    texts = [tuple(own[:N_CAPTIONS]) for own in captions.values()]
    return CaptionedFiles(sources, tuple(map(CaptionedFile, paths, texts)), split)


def split_token_line(line: str) -> tuple[str, str] | None:
    """The picture and the caption of NAME#NUMBER, a tab and a caption; None for another line."""
    match = TOKEN_LINE.fullmatch(line)
    return (match["name"].strip(), match["caption"]) if match else None


def split_table_line(line: str) -> tuple[str, str] | None:
    """The picture and the caption of NAME,CAPTION; None for another line.

    Commas in the caption may be quoted or not; quotes that enclose no whole field belong to the caption.
    """
    try:
        fields = next(csv.reader([line], strict=True))
    except csv.Error:
        fields = line.split(",")
    name = fields[0].strip()
    return (name, ",".join(fields[1:])) if name and len(fields) > 1 else None


def _read_captions(source: Path) -> dict[str, list[str]]:
    lines = read_text(source).replace("\r\n", "\n").split("\n")
    is_table = lines[0].lower().replace(" ", "") == TABLE_HEADER
    split_line = split_table_line if is_table else split_token_line
    captions: dict[str, list[str]] = {}
    for number, line in enumerate(lines[is_table:], start=1 + is_table):
        if not line.strip():
            continue
        if (parts := split_line(line)) is None:
            form = "NAME,CAPTION" if is_table else "NAME#NUMBER, a tab and a caption"
            raise AnnotationError(source, f"line {number} is not {form}")
        name, caption = parts
        own = captions.setdefault(name, [])
        if caption.strip(" .\t"):
            own.append(caption.strip())
    return {name: own for name, own in captions.items() if own}


def _read_names(split: str) -> list[str]:
    try:
        names = read_file(expand_home(split)).decode("utf-8-sig").split("\n")
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The split {split!r} can't be read: it should be a file with the name of one picture a line."
        ) from error
    return list(dict.fromkeys(name.strip() for name in names if name.strip()))
