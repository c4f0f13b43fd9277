"""Lists of pictures with captions as data sets come: CSV, TSV, JSONL, or a folder with captions beside pictures."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, BinaryIO

from indexer.errors import CosmosSearchError
from indexer.files import open_file
from trainer.data.batches import caption_record
from trainer.data.captions import DREAMLIP_KEYS, split_caption
from trainer.data.samples import Pair, SkippedSample, open_source, readable_key

__all__ = ["Listed", "listed"]

PICTURE = ("image", "picture", "path", "file", "filename", "file_name", "filepath", "image_path", "img")
CAPTION = ("caption", "text", "title", "description")
LONG_CAPTION = ("vlm_caption", "caption")  # PixelProse's own name, and the authors'
csv.field_size_limit(1 << 24)


@dataclass(frozen=True, slots=True)
class Listed:
    """A picture's file and what is said of it, in the form of `text_mode`; source is its name for people."""

    source: str
    picture: Path
    captions: Mapping[str, Any]
    text_mode: str


def listed(source: Path) -> Iterator[Listed | SkippedSample]:
    """Every pair in the list's order. Raises CosmosSearchError for what is no list, before the first pair."""
    if source.is_dir():
        return _beside(source)
    if not source.exists():
        raise CosmosSearchError(f"There is no file or folder {source}.")
    kind = source.suffix.lower()
    if kind in (".csv", ".tsv"):
        return _table(source, "\t" if kind == ".tsv" else ",")
    if kind in (".jsonl", ".ndjson"):
        return _lines(source, _opened(source))
    raise CosmosSearchError(f"{source} is neither a folder nor a .csv, .tsv or .jsonl.")


def _beside(folder: Path) -> Iterator[Listed | SkippedSample]:
    pairs = [pair for pair in open_source(folder).pairs(Random(0), 0, 1) if isinstance(pair, Pair)]
    if not all(isinstance(pair.picture, Path) for pair in pairs):
        raise CosmosSearchError(f"{folder} holds shards already; train with them: --data {folder}")
    return (_of_pair(pair) for pair in sorted(pairs, key=lambda pair: pair.key))


def _of_pair(pair: Pair) -> Listed | SkippedSample:
    assert isinstance(pair.picture, Path)
    try:
        record = caption_record(pair)
        form = _form(record)
        return Listed(pair.key, pair.picture, _captions(record, form), form)
    except (CosmosSearchError, KeyError, TypeError) as error:
        return SkippedSample(pair.key, str(error.args[0]))


def _table(source: Path, delimiter: str) -> Iterator[Listed | SkippedSample]:
    """Bytes that are no UTF-8 come through marked, so that a row can be refused by its line."""
    file = io.TextIOWrapper(_opened(source), encoding="utf-8-sig", errors="surrogateescape", newline="")
    options: dict[str, Any] = {"quoting": csv.QUOTE_NONE} if delimiter == "\t" else {}  # in TSV a quote is a letter
    rows = csv.DictReader(file, delimiter=delimiter, **options)
    try:
        form = _form_of_columns(rows.fieldnames or [], source)
    except CosmosSearchError:
        file.close()
        raise

    def pairs() -> Iterator[Listed | SkippedSample]:
        with file:
            while True:
                try:
                    row = next(rows, None)
                except csv.Error as error:
                    yield SkippedSample(
                        f"{source.name}:{rows.line_num}", f"the table can't be read from here on: {error}"
                    )
                    return
                if row is None:
                    return
                yield _of_record({key: value or "" for key, value in row.items() if key}, form, source, rows.line_num)

    return pairs()


def _form_of_columns(columns: Sequence[str], source: Path) -> str:
    record = {column: column for column in columns}
    try:
        _named(record, PICTURE)
        return _form(record)
    except KeyError as error:
        raise CosmosSearchError(
            f"{source} has {error.args[0]}; its columns are: {', '.join(columns) or 'none'}. Known are "
            f"{', '.join(PICTURE)} for the picture, {', '.join(CAPTION)} for its caption, DreamLIP's seven "
            "and PixelProse's two."
        ) from error


def _opened(source: Path) -> BinaryIO:
    try:
        return open_file(source)
    except OSError as error:
        raise CosmosSearchError(f"The list {source} can't be read: {error.strerror or error}.") from error


def _lines(source: Path, file: BinaryIO) -> Iterator[Listed | SkippedSample]:
    with file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line.decode("utf-8-sig"))
                if not isinstance(record, dict):
                    raise ValueError("it is no JSON object")
                form = _form(record)
            except ValueError as error:
                yield SkippedSample(f"{source.name}:{number}", f"the line can't be read: {error}")
            except KeyError as error:
                yield SkippedSample(f"{source.name}:{number}", f"it has {error.args[0]}")
            else:
                yield _of_record(record, form, source, number)


def _of_record(record: Mapping[str, Any], form: str, source: Path, line: int) -> Listed | SkippedSample:
    where = f"{source.name}:{line}"
    try:
        picture = _text(_named(record, PICTURE))
        captions = _captions(record, form)
        json.dumps(captions, ensure_ascii=False).encode("utf-8")
    except (KeyError, TypeError) as error:
        return SkippedSample(where, f"it has {error.args[0]}")
    except UnicodeEncodeError:
        return SkippedSample(where, "it is not in UTF-8")
    if "://" in picture:
        return SkippedSample(f"{where} {picture}", "it names a URL; download the pictures first, with img2dataset, say")
    return Listed(readable_key(f"{where} {picture}"), source.parent / picture, captions, form)


def _form(record: Mapping[str, Any]) -> str:
    """The text mode that its keys are of. Raises KeyError with what is missing."""
    if "raw_caption" in record:
        return "dreamlip"
    if "original_caption" in record:
        _named(record, LONG_CAPTION)
        return "pixelprose"
    _named(record, CAPTION)
    return "sentences"


def _captions(record: Mapping[str, Any], form: str) -> dict[str, Any]:
    """In the form that training reads. Raises KeyError or TypeError with what is wrong."""
    if form == "dreamlip":
        return {key: _sentences(record.get(key) or "") for key in DREAMLIP_KEYS}
    if form == "pixelprose":
        whole, long = record.get("original_caption") or "", _named(record, LONG_CAPTION) or ""
        return {"original_caption": _text(whole), "caption": _text(long)}
    caption = _named(record, CAPTION)
    return {"caption": ". ".join(_sentences(caption)) if isinstance(caption, list) else _text(caption)}


def _sentences(value: Any) -> list[str]:
    """DreamLIP's loader does not split; so lists come as they are, and texts are split by the authors' rule."""
    return [_text(part) for part in value] if isinstance(value, list) else split_caption(_text(value))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"no text where one should be, but {json.dumps(value)}")
    return value


def _named(record: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    known = {str(key).strip().lower().replace(" ", "_"): value for key, value in record.items()}
    for name in names:
        if name in known:
            return known[name]
    raise KeyError(f"no {names[0]}")
