"""Lists of pictures with captions as data sets come: CSV, TSV, JSONL, or a folder with captions beside pictures."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from indexer.errors import CosmosSearchError
from trainer.captions import DREAMLIP_KEYS, split_caption
from trainer.data import caption_record
from trainer.pairs import Pair, Refused, open_source

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


def listed(source: Path) -> Iterator[Listed | Refused]:
    """Every pair in the list's order. Raises CosmosSearchError for what is no list, before the first pair."""
    if source.is_dir():
        return _beside(source)
    if not source.is_file():
        raise CosmosSearchError(f"There is no file or folder {source}.")
    kind = source.suffix.lower()
    if kind in (".csv", ".tsv"):
        return _table(source, "\t" if kind == ".tsv" else ",")
    if kind in (".jsonl", ".ndjson"):
        return _lines(source)
    raise CosmosSearchError(f"{source} is neither a folder nor a .csv, .tsv or .jsonl.")


def _beside(folder: Path) -> Iterator[Listed | Refused]:
    pairs = [pair for pair in open_source(folder).pairs(Random(0), 0, 1) if isinstance(pair, Pair)]
    if not all(isinstance(pair.picture, Path) for pair in pairs):
        raise CosmosSearchError(f"{folder} holds shards already; train with them: --data {folder}")
    return (_of_pair(pair) for pair in sorted(pairs, key=lambda pair: pair.key))


def _of_pair(pair: Pair) -> Listed | Refused:
    assert isinstance(pair.picture, Path)
    try:
        record = caption_record(pair)
        return Listed(pair.key, pair.picture, *_captions(record))
    except (CosmosSearchError, KeyError) as error:
        return Refused(pair.key, str(error).strip("'"))


def _table(source: Path, delimiter: str) -> Iterator[Listed | Refused]:
    """Bytes that are no UTF-8 come through marked, so that a row can be refused by its line."""
    file = source.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    rows = csv.DictReader(file, delimiter=delimiter)
    try:
        _check_columns(rows.fieldnames or [], source)
    except CosmosSearchError:
        file.close()
        raise

    def pairs() -> Iterator[Listed | Refused]:
        with file:
            for row in rows:
                yield _of_record({key: value for key, value in row.items() if key and value}, source, rows.line_num)

    return pairs()


def _check_columns(columns: Any, source: Path) -> None:
    try:
        _named({column: column for column in columns}, PICTURE)
        _captions({column: column for column in columns})
    except KeyError as error:
        raise CosmosSearchError(
            f"{source} has {error.args[0]}; its columns are: {', '.join(columns) or 'none'}. Known are "
            f"{', '.join(PICTURE)} for the picture, {', '.join(CAPTION)} for its caption, DreamLIP's seven "
            "and PixelProse's two."
        ) from error


def _lines(source: Path) -> Iterator[Listed | Refused]:
    with source.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line.decode("utf-8-sig"))
                if not isinstance(record, dict):
                    raise ValueError("it is no JSON object")
            except ValueError as error:
                yield Refused(f"{source.name}:{number}", f"the line can't be read: {error}")
                continue
            yield _of_record(record, source, number)


def _of_record(record: dict[str, Any], source: Path, line: int) -> Listed | Refused:
    where = f"{source.name}:{line}"
    try:
        picture = str(_named(record, PICTURE))
        captions, mode = _captions(record)
        json.dumps(captions, ensure_ascii=False).encode("utf-8")
    except KeyError as error:
        return Refused(where, f"it has {error.args[0]}")
    except UnicodeEncodeError:
        return Refused(where, "it is not in UTF-8")
    if "://" in picture:
        return Refused(f"{where} {picture}", "it names a URL; download the pictures first, with img2dataset, say")
    return Listed(f"{where} {picture}", source.parent / picture, captions, mode)


def _captions(record: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """In the form that training reads, and that form's name. Raises KeyError with what is missing."""
    if "raw_caption" in record:
        return {key: _sentences(record.get(key, "")) for key in DREAMLIP_KEYS}, "dreamlip"
    if "original_caption" in record:
        return {
            "original_caption": str(record["original_caption"]),
            "caption": str(_named(record, LONG_CAPTION)),
        }, "pixelprose"
    return {"caption": str(_named(record, CAPTION))}, "sentences"


def _sentences(value: Any) -> list[str]:
    """DreamLIP's loader does not split; so lists come as they are, and texts are split by the authors' rule."""
    return [str(part) for part in value] if isinstance(value, list) else split_caption(str(value))


def _named(record: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    known = {str(key).strip().lower().replace(" ", "_"): value for key, value in record.items()}
    for name in names:
        if name in known:
            return known[name]
    raise KeyError(f"no {names[0]}")
