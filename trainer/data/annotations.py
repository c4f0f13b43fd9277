"""Annotated picture lists: CSV, TSV, JSONL, a folder with caption files, or a set of `trainer.data.caption_sets`."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from indexer.errors import CosmosSearchError, UsageError
from indexer.files import open_file
from trainer.config import TextMode
from trainer.data.caption_sets import CAPTION_SETS, find_caption_sets, read_caption_set
from trainer.data.captions import DREAMLIP_KEYS, read_caption_record, split_caption
from trainer.data.errors import AlreadyShardsError, SampleError
from trainer.data.samples import (
    AnnotatedPicture,
    Folder,
    Pair,
    SkippedSample,
    escape_key,
    has_pairs,
    is_shard,
    open_source,
)

__all__ = ["read_annotations"]

# Names of columns or keys, the preferred ones first.
PICTURE = ("image", "picture", "path", "file", "filename", "file_name", "filepath", "image_path", "img")
CAPTION = ("caption", "text", "title", "description")
CAPTION_LIST = "captions"
LONG_CAPTION = ("vlm_caption", "caption")  # in PixelProse, and in the authors' copy of it
csv.field_size_limit(1 << 24)


def read_annotations(
    source: Path, *, split: str | None = None, images: Path | None = None
) -> Iterator[AnnotatedPicture | SkippedSample]:
    """The entries of an annotation file or folder, in its order.

    split, images: for the forms of `trainer.data.caption_sets`; see `read_caption_set`.
    Raises CosmosSearchError before the first entry if it is not a readable annotation file or folder, and UsageError
    for a split or a folder of images that its form does not have.
    """
    if not source.exists():
        raise CosmosSearchError(f"There is no file or folder {source}.")
    if is_shard(source):
        raise AlreadyShardsError(source)
    if source.is_dir() and (found := find_caption_sets(source)):
        source = _choose_caption_set(source, found)
    kind = source.suffix.lower()
    if source.is_file() and kind in CAPTION_SETS:
        return read_caption_set(source, split, images)
    if split is not None or images is not None:
        raise UsageError(
            f"{source} has no splits and no separate folder of pictures, because it is not in the form of Flickr8k, "
            "Flickr30k or Karpathy's JSON."
        )
    if source.is_dir():
        return _read_folder(source)
    if kind in (".csv", ".tsv"):
        return _read_table(source, "\t" if kind == ".tsv" else ",")
    if kind in (".jsonl", ".ndjson"):
        return _read_json_lines(source, _open(source))
    raise CosmosSearchError(f"{source} is neither a folder nor a .csv, .tsv, .jsonl, .txt, .token or .json.")


def _choose_caption_set(folder: Path, found: Sequence[Path]) -> Path:
    """The only one. Raises CosmosSearchError if there are several, or pictures with captions of their own."""
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise CosmosSearchError(f"{folder} holds several annotation files ({names}); name the one to read.")
    if has_pairs(folder):
        raise CosmosSearchError(
            f"{folder} holds {found[0].name} and pictures with captions beside them; name the file to read, or move it "
            "to another folder to read the others."
        )
    return found[0]


def _read_folder(folder: Path) -> Iterator[AnnotatedPicture | SkippedSample]:
    source = open_source(folder)
    if not isinstance(source, Folder):
        raise AlreadyShardsError(folder)
    return (_read_pair(pair) for pair in sorted(source.all_pairs, key=lambda pair: pair.key))


def _read_pair(pair: Pair) -> AnnotatedPicture | SkippedSample:
    assert isinstance(pair.picture, Path), pair
    try:
        record = read_caption_record(pair)
        text_mode = _detect_text_mode(record)
        return AnnotatedPicture(pair.key, pair.picture, _convert_captions(record, text_mode), text_mode)
    except (KeyError, TypeError) as error:
        return SkippedSample(pair.key, f"it has {error.args[0]}")
    except SampleError as error:
        return SkippedSample(pair.key, str(error))


def _read_table(source: Path, delimiter: str) -> Iterator[AnnotatedPicture | SkippedSample]:
    """Invalid UTF-8 is read as surrogate escapes, so that a single row can be skipped and named by its line."""
    file = io.TextIOWrapper(_open(source), encoding="utf-8-sig", errors="surrogateescape", newline="")
    options: dict[str, Any] = {"quoting": csv.QUOTE_NONE} if delimiter == "\t" else {}  # TSV has no quoting
    rows = csv.DictReader(file, delimiter=delimiter, **options)
    try:
        text_mode = _detect_text_mode_of_columns(rows.fieldnames or [], source)
    except CosmosSearchError:
        file.close()
        raise
    return _read_rows(rows, file, text_mode, source)


def _read_rows(
    rows: "csv.DictReader[str]", file: io.TextIOWrapper, text_mode: TextMode, source: Path
) -> Iterator[AnnotatedPicture | SkippedSample]:
    with file:
        while True:
            try:
                row = next(rows, None)
            except csv.Error as error:
                where = f"{source.name}:{rows.line_num}"
                yield SkippedSample(where, f"the table cannot be read from here on: {error}")
                return
            if row is None:
                return
            record = {key: value or "" for key, value in row.items() if key}
            yield _convert_record(record, text_mode, source, rows.line_num)


def _detect_text_mode_of_columns(columns: Sequence[str], source: Path) -> TextMode:
    record = {column: column for column in columns}
    try:
        _get_field(record, PICTURE)
        return _detect_text_mode(record)
    except KeyError as error:
        raise CosmosSearchError(
            f"{source} has {error.args[0]}; its columns are: {', '.join(columns) or 'none'}. Valid columns are "
            f"{', '.join(PICTURE)} for the picture, {', '.join(CAPTION)} for its caption, the seven of DreamLIP "
            "and the two of PixelProse."
        ) from error


def _open(source: Path) -> BinaryIO:
    try:
        return open_file(source)
    except OSError as error:
        raise CosmosSearchError(f"The list {source} cannot be read: {error.strerror or error}.") from error


def _read_json_lines(source: Path, file: BinaryIO) -> Iterator[AnnotatedPicture | SkippedSample]:
    with file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line.decode("utf-8-sig"))
                if not isinstance(record, dict):
                    raise ValueError("it is not a JSON object")
                text_mode = _detect_text_mode(record)
            except (ValueError, RecursionError) as error:
                reason = "nested too deeply" if isinstance(error, RecursionError) else error
                yield SkippedSample(f"{source.name}:{number}", f"the line cannot be read: {reason}")
            except KeyError as error:
                yield SkippedSample(f"{source.name}:{number}", f"it has {error.args[0]}")
            else:
                yield _convert_record(record, text_mode, source, number)


def _convert_record(
    record: Mapping[str, Any], text_mode: TextMode, source: Path, line: int
) -> AnnotatedPicture | SkippedSample:
    where = f"{source.name}:{line}"
    try:
        picture = _check_text(_get_field(record, PICTURE))
        captions = _convert_captions(record, text_mode)
        json.dumps(captions, ensure_ascii=False).encode("utf-8")
    except (KeyError, TypeError) as error:
        return SkippedSample(where, f"it has {error.args[0]}")
    except UnicodeEncodeError:
        return SkippedSample(where, "it is not valid UTF-8")
    if "://" in picture:
        reason = "its picture is a URL; download the pictures first, for example with img2dataset"
        return SkippedSample(f"{where} {picture}", reason)
    return AnnotatedPicture(escape_key(f"{where} {picture}"), source.parent / picture, captions, text_mode)


def _detect_text_mode(record: Mapping[str, Any]) -> TextMode:
    """The text mode that the record's keys belong to. Raises KeyError, which says what is missing."""
    if "raw_caption" in record:
        return "dreamlip"
    if "original_caption" in record:
        _get_field(record, LONG_CAPTION)
        return "pixelprose"
    _get_field(record, (*CAPTION, CAPTION_LIST))
    return "sentences"


def _convert_captions(record: Mapping[str, Any], text_mode: TextMode) -> dict[str, Any]:
    """The captions in the form that training reads. Raises KeyError or TypeError, which say what is wrong."""
    if text_mode == "dreamlip":
        return {key: _make_sentences(record.get(key) or "") for key in DREAMLIP_KEYS}
    if text_mode == "pixelprose":
        original, long = record.get("original_caption") or "", _get_field(record, LONG_CAPTION) or ""
        return {"original_caption": _check_text(original), "caption": _check_text(long)}
    caption = _get_field(record, (CAPTION_LIST, *CAPTION))
    if isinstance(caption, list):
        return {"captions": [_check_text(one) for one in caption]}
    return {"caption": _check_text(caption)}


def _make_sentences(value: Any) -> list[str]:
    """Lists stay as they are, texts are split by the authors' rule, because DreamLIP's loader does not split."""
    return [_check_text(part) for part in value] if isinstance(value, list) else split_caption(_check_text(value))


def _check_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{json.dumps(value)} in place of a text")
    return value


def _get_field(record: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """The value of the first of these names that the record has; case and spaces do not matter. Raises KeyError."""
    fields = {str(key).strip().lower().replace(" ", "_"): value for key, value in record.items()}
    for name in names:
        if name in fields:
            return fields[name]
    raise KeyError(f"no {names[0]}")
