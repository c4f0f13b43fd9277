"""Pictures that were selected, to take away: as a zip file, or as a list of their paths."""

import csv
import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from indexer.errors import PictureError
from indexer.store.records import PictureRecord
from ui.escape import replace_surrogates
from ui.files.originals import open_original

__all__ = ["MAX_ZIP_BYTES", "format_csv", "format_json", "make_zip", "sum_file_sizes"]

MAX_ZIP_BYTES = 500 << 20  # it is made in memory
_packing = Lock()
MISSING = "missing.txt"
MAX_NAME_BYTES = 200  # file systems take 255; a number may be added
# Control characters, and what changes the direction of writing, so that jpg.exe reads as exe.jpg.
UNSEEN = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
UNFIT = re.compile(rf'[{UNSEEN}/\\:*?"<>|]')  # in the name of a file, on one system or another
RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|$)", re.IGNORECASE)
# What a spreadsheet takes for a formula: at the beginning of a cell, also of one that begins at another separator.
FORMULA = re.compile(r'(^(?=[\t\r\n])|(?:^|[;,|\t\r\n])(?=(?:[^\S\t\r\n]|")*[=+\-@\uff1d\uff0b\uff0d\uff20]))')
COLUMNS = ("path", "width", "height", "taken_at", "latitude", "longitude", "camera")


def sum_file_sizes(pictures: Sequence[PictureRecord]) -> int:
    """Of the files, as far as they are there."""
    return sum(_size(path) for picture in pictures for path in picture.paths[:1])


def make_zip(pictures: Sequence[PictureRecord]) -> bytes:
    """The original files, as they are; gone ones are named in missing.txt. One at a time: each takes memory."""
    with _packing:
        return _packed(pictures)


def _packed(pictures: Sequence[PictureRecord]) -> bytes:
    packed, missing, names = io.BytesIO(), [], {MISSING}
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:  # photos are compressed already
        for picture in pictures:
            try:
                with open_original(picture) as file:
                    archive.writestr(_choose_free_name(picture.paths[0], names), file.read())
            except PictureError as error:
                missing.append(f"{_replace_control_characters(picture.paths[0])}: {error}")
        if missing:
            archive.writestr(MISSING, "\n".join(missing) + "\n")
    return packed.getvalue()


def format_csv(pictures: Sequence[PictureRecord]) -> str:
    """A table with a header. A cell that a spreadsheet would take for a formula has a quote before it."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    table.writerows([_escape_formula(value) for value in _list_values(picture)] for picture in pictures)
    return text.getvalue()


def format_json(pictures: Sequence[PictureRecord]) -> str:
    """A list of objects."""
    return json.dumps([dict(zip(COLUMNS, _list_values(picture), strict=True)) for picture in pictures], indent=2)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _list_values(picture: PictureRecord) -> tuple[object, ...]:
    m = picture.facts.metadata
    taken = m.taken_at.isoformat() if m.taken_at else None
    size = picture.facts.width, picture.facts.height
    return replace_surrogates(picture.paths[0]), *size, taken, m.latitude, m.longitude, m.camera


def _escape_formula(value: object) -> object:
    """A text with a quote before whatever a spreadsheet could take for a formula; numbers are no formulas."""
    return FORMULA.sub(r"\1'", value) if isinstance(value, str) else value


def _choose_free_name(path: Path, taken: set[str]) -> str:
    """A name that every system takes as one file beside the others; two files of one name get numbers."""
    name = _sanitize_name(path.name)
    stem, suffix, number = Path(name).stem, Path(name).suffix, 2
    while (key := unicodedata.normalize("NFC", name).casefold()) in taken:
        name, number = f"{stem}-{number}{suffix}", number + 1
    taken.add(key)
    return name


def _sanitize_name(name: str) -> str:
    name = UNFIT.sub("_", replace_surrogates(name)).strip(" ").rstrip(". ") or "_"
    if RESERVED.match(name):
        name = "_" + name
    suffix = Path(name).suffix.encode()[:20].decode("utf-8", "ignore")
    stem = name.encode()[: MAX_NAME_BYTES - len(suffix.encode())].decode("utf-8", "ignore")
    return name if len(name.encode()) <= MAX_NAME_BYTES else stem + suffix


def _replace_control_characters(path: Path) -> str:
    return re.sub(f"[{UNSEEN}]", "_", replace_surrogates(path))
