"""Captioned picture sets in the forms that they are distributed in: Flickr8k, Flickr30k, and Karpathy's JSON.

Each has several captions per picture, one annotation file, and the pictures in a folder beside it.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cosmos_search.evaluation.datasets.caption_lines import (
    PICTURE_FOLDERS,
    TABLE_HEADER,
    split_table_line,
    split_token_line,
)
from indexer.errors import CosmosSearchError
from indexer.files import expand_home, read_file
from indexer.pictures.suffixes import PICTURES
from trainer.data.errors import NoPicturesError
from trainer.data.samples import AnnotatedPicture, SkippedSample, escape_key

__all__ = ["CAPTION_SETS", "find_caption_sets", "read_caption_set"]

CAPTION_SETS = (".txt", ".token", ".json")
FILES = ("*.token.txt", "*.token", "captions.txt", "dataset*.json")


@dataclass(slots=True)
class _Picture:
    """A picture of the annotation file. names: its paths relative to the folder of pictures, the likeliest first."""

    names: tuple[str, ...]
    captions: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _CaptionSet:
    """The pictures by their names, in the order of the file, and what was skipped."""

    pictures: dict[str, _Picture] = field(default_factory=dict)
    skipped: list[SkippedSample] = field(default_factory=list)

    def add_caption(self, where: str, picture: _Picture, caption: str) -> None:
        """Add the caption to the picture, or to the skipped ones. where: names the caption in messages."""
        try:
            caption.encode("utf-8")
        except UnicodeEncodeError:
            self.skipped.append(SkippedSample(escape_key(where), "its caption is not valid UTF-8"))
            return
        if caption.strip(" .\t\r\n"):
            picture.captions.append(" ".join(caption.split()))
        else:
            self.skipped.append(SkippedSample(escape_key(where), "its caption is empty"))


def find_caption_sets(folder: Path) -> list[Path]:
    """The annotation files in a folder, without lemmatized copies and the captions of single pictures."""
    found = {path for pattern in FILES for path in folder.glob(pattern) if path.is_file()}
    return sorted(
        path
        for path in found
        if ".lemma." not in path.name and not any(path.with_suffix(suffix).exists() for suffix in PICTURES)
    )


def read_caption_set(
    source: Path, split: str | None, images: Path | None
) -> Iterator[AnnotatedPicture | SkippedSample]:
    """The pictures of an annotation file with all their captions, in its order; first what was skipped in the file.

    source: a token file of Flickr8k or Flickr30k, Kaggle's captions.txt, or a JSON in Karpathy's form.
    split: the pictures to use: for a JSON the names of its splits, with commas between; else a file that lists names.
    images: the folder of the pictures, if it is not beside the file.
    Raises CosmosSearchError before the first entry: for a file in another form, an unknown split, or if none of the
    pictures exists.
    """
    try:
        text = read_file(source).decode("utf-8-sig", "surrogateescape")  # a single bad caption can then be skipped
    except OSError as error:
        raise CosmosSearchError(f"{source} cannot be read: {error.strerror or error}.") from error
    if source.suffix.lower() == ".json":
        found = _read_karpathy(text, source, split)
    else:
        names = _read_names(split, source) if split is not None else None
        found = _read_caption_lines(text, source, names)
        for name in sorted((names or set()) - found.pictures.keys()):
            found.skipped.append(SkippedSample(escape_key(name), f"it has no caption in {source.name}"))
    return _locate(found, source, _picture_folders(source, images))


def _read_caption_lines(text: str, source: Path, wanted: Set[str] | None) -> _CaptionSet:
    """A token file, or a table if it begins with a table's header; of the wanted pictures only, if not None."""
    lines = text.replace("\r\n", "\n").split("\n")
    is_table = lines[0].lower().replace(" ", "") == TABLE_HEADER
    found, is_empty = _CaptionSet(), True
    for number, line in enumerate(lines, start=1):
        if not line.strip() or (is_table and number == 1):
            continue
        where = f"{source.name}:{number}"
        parts = split_table_line(line) if is_table else split_token_line(line)
        if parts is None:
            form = "NAME,CAPTION" if is_table else "NAME#NUMBER, a tab and a caption"
            found.skipped.append(SkippedSample(where, f"the line is damaged: it is not {form}"))
            continue
        (name, caption), is_empty = parts, False
        if wanted is None or name in wanted:
            picture = found.pictures.setdefault(name, _Picture((name,)))
            found.add_caption(f"{where} {name}", picture, caption)
    if is_empty:
        raise CosmosSearchError(
            f"{source} has no captions: neither lines of NAME#NUMBER, a tab and a caption, nor lines below the header "
            f'"{TABLE_HEADER}".'
        )
    return found


def _read_names(split: str, source: Path) -> set[str]:
    try:
        text = read_file(expand_home(split)).decode("utf-8-sig", "surrogateescape")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CosmosSearchError(
            f"The split {split!r} cannot be read ({reason}); a split of {source.name} is a file with one picture name "
            "a line."
        ) from error
    names = {line.strip() for line in text.splitlines() if line.strip()}
    if not names:
        raise CosmosSearchError(f"The split {split} lists no picture.")
    return names


def _read_karpathy(text: str, source: Path, split: str | None) -> _CaptionSet:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise CosmosSearchError(f"{source} cannot be read: {reason}.") from error
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, list):
        raise CosmosSearchError(f'{source} is not in Karpathy\'s form: it has no list "images".')
    splits = _parse_splits(split, images, source) if split is not None else None
    found = _CaptionSet()
    for number, image in enumerate(images):
        where = f"{source.name} images[{number}]"
        try:
            if splits is None or _get(image, "split", str) in splits:
                _add_image(found, where, image)
        except (KeyError, TypeError) as error:
            found.skipped.append(SkippedSample(where, str(error.args[0])))
    return found


def _parse_splits(split: str, images: Sequence[Any], source: Path) -> set[str]:
    known = {image["split"] for image in images if isinstance(image, dict) and isinstance(image.get("split"), str)}
    wanted = {name.strip() for name in split.split(",")}
    if unknown := sorted(wanted - known):
        names = ", ".join(map(repr, unknown))
        raise CosmosSearchError(f"{source} has no split {names}; its splits are: {', '.join(sorted(known)) or 'none'}.")
    return wanted


def _add_image(found: _CaptionSet, where: str, image: Any) -> None:
    """Raises KeyError or TypeError, which say what is wrong with the image."""
    name = _get(image, "filename", str)
    folder = _get(image, "filepath", str) if "filepath" in image else ""
    sentences = _get(image, "sentences", list)
    path = f"{folder}/{name}" if folder else name
    picture = found.pictures.setdefault(path, _Picture(tuple(dict.fromkeys((path, name)))))
    for number, sentence in enumerate(sentences):
        what = f"{where} {name} sentences[{number}]"
        try:
            found.add_caption(what, picture, _get(sentence, "raw", str))
        except (KeyError, TypeError) as error:
            found.skipped.append(SkippedSample(escape_key(what), str(error.args[0])))


def _get(record: Any, key: str, kind: type) -> Any:
    if not isinstance(record, Mapping):
        raise TypeError("it is not a JSON object")
    if key not in record:
        raise KeyError(f"it has no {key}")
    if not isinstance(record[key], kind):
        raise TypeError(f"its {key} is not a {'text' if kind is str else 'list'}")
    return record[key]


def _picture_folders(source: Path, images: Path | None) -> list[Path]:
    if images is None:
        return [source.parent, *(folder for name in PICTURE_FOLDERS if (folder := source.parent / name).is_dir())]
    if not images.is_dir():
        raise CosmosSearchError(f"There is no folder {images}.")
    return [images]


def _locate(found: _CaptionSet, source: Path, folders: Sequence[Path]) -> Iterator[AnnotatedPicture | SkippedSample]:
    """Raises NoPicturesError if there are pictures to find and none is in a folder."""
    paths = {name: _find_picture(picture, folders) for name, picture in found.pictures.items()}
    if paths and not any(paths.values()):
        raise NoPicturesError(source, len(paths), tuple(folders))
    return _make_entries(found, source, paths)


def _make_entries(
    found: _CaptionSet, source: Path, paths: Mapping[str, Path | None]
) -> Iterator[AnnotatedPicture | SkippedSample]:
    yield from found.skipped
    for name, picture in found.pictures.items():
        key, path = escape_key(f"{source.name} {name}"), paths[name]
        if path is None:
            yield SkippedSample(key, "there is no such picture")
        else:
            yield AnnotatedPicture(key, path, {"captions": picture.captions}, "sentences")


def _find_picture(picture: _Picture, folders: Sequence[Path]) -> Path | None:
    paths = (folder / name for folder in folders for name in picture.names)
    return next((path for path in paths if os.path.isfile(path)), None)  # noqa: PTH113 (names may be no valid paths)
