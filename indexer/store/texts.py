"""The texts in and around pictures: derived from captions, keywords and paths, or read in the picture; and found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Text, and_, cast, delete, func, insert, or_, select, true

from indexer.pictures.regions import WHOLE, Box
from indexer.store.dialect import has_any_word, has_part, has_word_start
from indexer.store.records import TextKind, TextLine
from indexer.store.rows import split_ids
from indexer.store.schema import files, folders, pictures, readings, texts
from indexer.store.words import MIN_PART, fold_text, is_camera_name, is_unspaced, list_forms, split_words

__all__ = [
    "WordMatches",
    "contains_text",
    "count_unread",
    "derive_texts",
    "fill_texts",
    "find_unread",
    "find_word",
    "line_has_part",
    "line_has_word",
    "put_lines",
    "read_texts",
]

READ: TextKind = "picture"  # the kind of the texts that are not derived


@dataclass(frozen=True, slots=True)
class WordMatches:
    """The pictures in whose texts a word stands, by the kind of the text. Ids ascending: (n,)."""

    ids: Mapping[TextKind, NDArray[np.int64]]


# derive


def fill_texts(connection: Connection) -> None:
    """Derive the texts of all pictures of a catalog that has none."""
    for chunk in split_ids(list(connection.execute(select(pictures.c.id)).scalars())):
        _insert_derived(connection, chunk)


def derive_texts(connection: Connection, picture_ids: Iterable[int]) -> None:
    """Derive the texts of these pictures again: to be called in each transaction that changes them or their files."""
    for chunk in split_ids(sorted(set(picture_ids))):
        connection.execute(delete(texts).where(texts.c.picture_id.in_(chunk), texts.c.kind != READ))
        _insert_derived(connection, chunk)


def _insert_derived(connection: Connection, picture_ids: Sequence[int]) -> None:
    about = select(pictures.c.id, pictures.c.caption, pictures.c.keywords).where(
        pictures.c.id.in_(picture_ids), or_(pictures.c.caption.is_not(None), pictures.c.keywords.is_not(None))
    )
    paths = select(files.c.picture_id, files.c.directory, files.c.name, folders.c.path).join(folders)
    paths = paths.where(files.c.picture_id.in_(picture_ids))
    found: dict[tuple[int, TextKind, str], None] = {}  # in order, without repetitions
    for id_, caption, keywords in connection.execute(about.order_by(pictures.c.id)):
        found |= {(id_, "caption", caption): None} if caption else {}
        found |= {(id_, "keyword", keyword): None for keyword in (keywords or "").split("\n") if keyword}
    for id_, directory, name, folder in connection.execute(paths.order_by(files.c.picture_id, files.c.id)):
        found[id_, "folder", _name_directory(directory, folder)] = None
        found[id_, "file", str(name)] = None
    rows = [_make_row(id_, TextLine(kind, text)) for id_, kind, text in found]
    if rows:
        connection.execute(insert(texts), rows)


def _name_directory(directory: Path, folder: Path) -> str:
    """The directory's path from the name of the indexed folder on."""
    return str(directory.relative_to(folder.parent)) if directory.is_relative_to(folder) else str(directory)


def _list_words(kind: TextKind, folded: str) -> list[str]:
    """The words of a folded text. Names of files count without their suffix, and not at all if a camera made them."""
    stem = PurePath(folded).stem if kind == "file" else folded
    return [] if kind == "file" and is_camera_name(stem) else split_words(stem)


def _make_row(picture_id: int, line: TextLine) -> dict[str, Any]:
    text = line.text.encode("utf-8", "replace").decode()  # bytes of a path that are not valid in UTF-8
    folded = fold_text(text)
    box = None if line.kind != READ else " ".join(f"{edge:.4f}" for edge in astuple(line.box))
    return {
        "picture_id": picture_id,
        "kind": line.kind,
        "text": text,
        "folded": folded,
        "words": " ".join(dict.fromkeys(_list_words(line.kind, folded))),
        "box": box,
        "confidence": line.confidence,
    }


# read in pictures


def find_unread(connection: Connection, reader: str, after: int, n: int) -> list[int]:
    """The first `n` pictures, by id, that this reader has not read, with ids above `after`."""
    known = select(readings.c.picture_id).where(readings.c.reader == reader)
    query = select(pictures.c.id).where(pictures.c.id > after, pictures.c.id.not_in(known))
    return list(connection.execute(query.order_by(pictures.c.id).limit(n)).scalars())


def count_unread(connection: Connection, reader: str) -> int:
    """The number of pictures that this reader has not read."""
    known = select(readings.c.picture_id).where(readings.c.reader == reader)
    query = select(func.count()).select_from(pictures).where(pictures.c.id.not_in(known))
    return connection.execute(query).scalar_one()


def put_lines(connection: Connection, reader: str, lines: Mapping[int, Sequence[TextLine]]) -> None:
    """Replace the lines that were read in these pictures. Pictures that are gone are left out."""
    for chunk in split_ids(sorted(lines)):
        connection.execute(delete(readings).where(readings.c.picture_id.in_(chunk)))
        connection.execute(delete(texts).where(texts.c.picture_id.in_(chunk), texts.c.kind == READ))
        there = list(connection.execute(select(pictures.c.id).where(pictures.c.id.in_(chunk))).scalars())
        if there:
            connection.execute(insert(readings), [{"picture_id": id_, "reader": reader} for id_ in there])
        if rows := [_make_row(id_, line) for id_ in there for line in lines[id_]]:
            connection.execute(insert(texts), rows)


# find


def contains_text(wanted: str) -> ColumnElement[bool]:
    """The condition that each part of a text, separated by blanks, stands in one of a picture's texts.

    Parts of one or two letters must begin a word.
    """
    parts = fold_text(wanted).split()
    return and_(true(), *(pictures.c.id.in_(select(texts.c.picture_id).where(_contains_part(part))) for part in parts))


def find_word(connection: Connection, word: str, limit: int) -> WordMatches | None:
    """The pictures in whose texts a word stands, see `split_words`; None: in more than `limit` texts."""
    found = select(texts.c.kind, texts.c.picture_id).where(_contains_word(word)).limit(limit + 1).subquery()
    ids = func.aggregate_strings(cast(found.c.picture_id, Text), ",")
    rows = connection.execute(select(found.c.kind, ids).group_by(found.c.kind)).all()
    of_kind: dict[TextKind, NDArray[np.int64]] = {kind: np.fromstring(some, np.int64, sep=",") for kind, some in rows}
    if sum(map(len, of_kind.values())) > limit:
        return None
    return WordMatches({kind: np.unique(some) for kind, some in of_kind.items()})


def read_texts(connection: Connection, picture_ids: Iterable[int]) -> dict[int, list[TextLine]]:
    """The texts of these pictures, those that were read in reading order; pictures without texts are left out."""
    found: dict[int, list[TextLine]] = {}
    columns = (texts.c.picture_id, texts.c.kind, texts.c.text, texts.c.box, texts.c.confidence)
    for chunk in split_ids(picture_ids):
        query = select(*columns).where(texts.c.picture_id.in_(chunk)).order_by(texts.c.id)
        for id_, kind, text, box, confidence in connection.execute(query):
            line = TextLine(kind, text, WHOLE if box is None else Box(*map(float, box.split())), confidence)
            found.setdefault(id_, []).append(line)
    return found


def line_has_word(line: TextLine, word: str) -> bool:
    """True if `find_word` finds this line."""
    folded = fold_text(line.text)
    if is_unspaced(word) or is_camera_name(word):
        return line_has_part(line, word)
    return not set(list_forms(word)).isdisjoint(_list_words(line.kind, folded))


def line_has_part(line: TextLine, part: str) -> bool:
    """True if `contains_text` finds this line by this part, which is folded and without blanks."""
    folded = fold_text(line.text)
    if len(part) >= MIN_PART or is_unspaced(part):
        return part in folded
    words = _list_words(line.kind, folded)
    return all(any(word.startswith(start) for word in words) for start in split_words(part))


def _contains_word(word: str) -> ColumnElement[bool]:
    if is_unspaced(word) or is_camera_name(word):
        return _contains_part(word)
    return has_any_word(texts.c.id, texts.c.words, " ".join(list_forms(word)))


def _contains_part(part: str) -> ColumnElement[bool]:
    """part: folded."""
    if len(part) >= MIN_PART:
        return has_part(texts.c.id, texts.c.folded, part)
    if is_unspaced(part):  # two characters, each of which counts as a word
        starts = [has_word_start(texts.c.id, texts.c.words, character) for character in part]
        return and_(*starts, texts.c.folded.contains(part, autoescape=True))
    words = split_words(part)  # none if it is punctuation
    return and_(true(), *(has_word_start(texts.c.id, texts.c.words, word) for word in words))
