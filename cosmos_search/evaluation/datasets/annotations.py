"""Shared by the readers: JSON files that are checked, and the pictures that they name."""

import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cosmos_search.evaluation.datasets.errors import AnnotationError, MissingPicturesError
from indexer.errors import UsageError
from indexer.files import open_file, read_file

__all__ = [
    "choose_split",
    "find_pictures",
    "get_text",
    "iterate_json_lines",
    "iterate_json_list",
    "list_folders",
    "read_json",
    "read_text",
]

CHUNK = 1 << 20  # characters of a large JSON list that are read at a time
MAX_ITEM = 1 << 26  # characters of one item of such a list


def read_text(source: Path) -> str:
    """The content of a text file. Raises AnnotationError if it can't be read as UTF-8."""
    try:
        return read_file(source).decode("utf-8-sig")
    except OSError as error:
        raise AnnotationError(source, _describe(error)) from error
    except ValueError as error:
        raise AnnotationError(source, "it is not in UTF-8") from error


def read_json(source: Path) -> Any:
    """The content of a JSON file. Raises AnnotationError."""
    return _parse(read_text(source), source)


def iterate_json_lines(source: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The objects of a file with one a line, each with its place for messages ("line 3"). Raises AnnotationError."""
    for number, line in enumerate(read_text(source).split("\n"), start=1):
        if line.strip():
            record = _parse(line, source, f" in line {number}")
            if not isinstance(record, dict):
                raise AnnotationError(source, f"line {number} is not a JSON object")
            yield f"line {number}", record


def iterate_json_list(source: Path) -> Iterator[Any]:
    """The items of a JSON list, which are objects. The file is read as far as items are taken, a chunk at a time.

    Raises AnnotationError.
    """
    decoder = json.JSONDecoder()
    try:
        with open_file(source) as binary, io.TextIOWrapper(binary, encoding="utf-8-sig") as file:
            text = file.read(CHUNK).lstrip()
            if not text.startswith("["):
                raise AnnotationError(source, "it is not a JSON list")
            text = text[1:].lstrip()
            while not text.startswith("]"):
                try:
                    item, end = decoder.raw_decode(text)
                except json.JSONDecodeError as error:
                    more = file.read(CHUNK)  # the item may end there
                    if not more or len(text) > MAX_ITEM:
                        raise AnnotationError(source, f"it is not valid JSON ({error.msg})") from error
                    text += more
                    continue
                yield item
                text = text[end:].lstrip() or file.read(CHUNK).lstrip()
                text = text.removeprefix(",").lstrip() or file.read(CHUNK).lstrip()
    except OSError as error:
        raise AnnotationError(source, _describe(error)) from error
    except (UnicodeDecodeError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else "not in UTF-8"
        raise AnnotationError(source, f"it is {reason}") from error


def get_text(record: Any, key: str, source: Path, where: str) -> str:
    """The text under a key of a JSON object, without white space around it. where: names the object in messages.

    Raises AnnotationError if there is no such text, or an empty one.
    """
    value = record.get(key) if isinstance(record, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise AnnotationError(source, f'{where} has no text "{key}"')
    return value.strip()


def list_folders(source: Path, images: Path | None, names: Sequence[str]) -> list[Path]:
    """Where to look for pictures: in `images`, else beside the annotations and in those of the named folders there.

    source: the annotation file or folder. Raises UsageError if there is no folder `images`.
    """
    if images is not None:
        if not images.is_dir():
            raise UsageError(f"There is no folder {images}.")
        return [images, *(folder for name in names if (folder := images / name).is_dir())]
    beside = source if source.is_dir() else source.parent
    return [beside, *(folder for name in names if (folder := beside / name).is_dir())]


def find_pictures(source: Path, names: Sequence[Sequence[str]], folders: Sequence[Path]) -> list[Path]:
    """The file of each picture. names: of each, the paths relative to a folder that it may have.

    Raises MissingPicturesError if one is in none of the folders, AnnotationError if there are no pictures at all.
    """
    if not names:
        raise AnnotationError(source, "it names no picture with a text")
    found: list[Path] = []
    missing: list[str] = []
    for candidates in names:
        paths = (folder / name for name in candidates for folder in folders)
        path = next((path for path in paths if os.path.isfile(path)), None)  # noqa: PTH113 (names may be no valid paths)
        if path is None:
            missing.append(candidates[0])
        else:
            found.append(path)
    if missing:
        raise MissingPicturesError(source, len(missing), len(names), missing[0], tuple(folders))
    return found


def choose_split(source: Path, known: Sequence[str], split: str) -> str:
    """The split, if it is known. Raises UsageError with the known ones."""
    if split not in known:
        names = ", ".join(sorted(set(known))) or "none"
        raise UsageError(f"{source} has no split {split!r}; its splits are: {names}")
    return split


def _parse(text: str, source: Path, where: str = "") -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise AnnotationError(source, f"it is not valid JSON{where} ({reason})") from error


def _describe(error: OSError) -> str:
    return "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
