"""Downloads of selected pictures: a zip archive, or a list as CSV or JSON."""

import csv
import io
import json
import os
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock

from cosmos_search.explore.duplicate_groups import DuplicateGroup, list_files
from cosmos_search.service.originals import open_original
from indexer.errors import PictureError
from indexer.store.records import FailedFile, PictureRecord
from ui.escape import replace_surrogates

__all__ = [
    "MAX_ZIP_BYTES",
    "format_csv",
    "format_failed_csv",
    "format_groups_csv",
    "format_json",
    "format_other_paths",
    "make_zip",
    "sanitize_name",
    "sum_file_sizes",
]

MAX_ZIP_BYTES = 500 << 20  # the archive is made in memory
_zip_lock = Lock()
MISSING = "missing.txt"
MAX_NAME_BYTES = 200  # file systems allow 255; a number may be added
# Control characters, and marks that change the writing direction and so can disguise a file type (exe.jpg).
_CONTROL = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
CONTROL_CHARACTERS = re.compile(f"[{_CONTROL}]")
FORBIDDEN = re.compile(rf'[{_CONTROL}/\\:*?"<>|]')  # in a file name, on at least one operating system
RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|$)", re.IGNORECASE)
# Where a spreadsheet would read a formula: at the start of a cell, for any of the usual cell separators.
FORMULA = re.compile(r'(^(?=[\t\r\n])|(?:^|[;,|\t\r\n])(?=(?:[^\S\t\r\n]|")*[=+\-@\uff1d\uff0b\uff0d\uff20]))')
COLUMNS = ("path", "width", "height", "taken_at", "latitude", "longitude", "camera")


def sum_file_sizes(pictures: Sequence[PictureRecord]) -> int:
    """Total size of the files that exist, in bytes."""
    return sum(_size(path) for picture in pictures for path in picture.paths[:1])


def make_zip(pictures: Sequence[PictureRecord]) -> bytes:
    """A zip archive of the original files; missing files are listed in missing.txt. One call at a time: it uses memory.

    File names are made valid on every operating system, and two files of one name get numbers.
    """
    data, missing, names = io.BytesIO(), [], {MISSING}
    with _zip_lock, zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as archive:  # photos are compressed already
        for picture in pictures:
            try:
                with open_original(picture) as file:
                    archive.writestr(_choose_free_name(picture.paths[0], names), file.read())
            except PictureError as error:
                name = CONTROL_CHARACTERS.sub("_", replace_surrogates(picture.paths[0]))
                missing.append(f"{name}: {error}")
        if missing:
            archive.writestr(MISSING, "\n".join(missing) + "\n")
    return data.getvalue()


def format_csv(pictures: Sequence[PictureRecord]) -> str:
    """A table with a header. Cells that a spreadsheet would read as a formula are quoted."""
    return _format_table([COLUMNS, *map(_list_values, pictures)])


def format_groups_csv(groups: Sequence[DuplicateGroup]) -> str:
    """A table with a row for each file of groups of duplicates, with a header."""
    return _format_table(
        [
            ("group", "kind", "file", "reasons", "path"),
            *((*values, replace_surrogates(path)) for *values, path in list_files(groups)),
        ]
    )


def format_other_paths(groups: Sequence[DuplicateGroup]) -> bytes:
    """The paths of all files that need not be kept, one a line, as they are in the file system.

    Paths with a line break are left out: a program would read them as two.
    """
    paths = (os.fsencode(path) for group in groups for path in group.other_paths)
    return b"".join(path + b"\n" for path in paths if b"\n" not in path)


def format_failed_csv(failed: Sequence[FailedFile]) -> str:
    """A table of files and the reasons why they could not be read, with a header."""
    return _format_table([("path", "reason"), *((replace_surrogates(one.path), one.reason) for one in failed)])


def format_json(pictures: Sequence[PictureRecord]) -> str:
    """A JSON list with one object for each picture."""
    return json.dumps([dict(zip(COLUMNS, _list_values(picture), strict=True)) for picture in pictures], indent=2)


def sanitize_name(name: str) -> str:
    """The name without what any operating system forbids in file names, at most MAX_NAME_BYTES long."""
    name = FORBIDDEN.sub("_", replace_surrogates(name)).strip(" ").rstrip(". ") or "_"
    if RESERVED.match(name):
        name = "_" + name
    suffix = Path(name).suffix.encode()[:20].decode("utf-8", "ignore")
    stem = name.encode()[: MAX_NAME_BYTES - len(suffix.encode())].decode("utf-8", "ignore")
    return name if len(name.encode()) <= MAX_NAME_BYTES else stem + suffix


def _format_table(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([_escape_formula(value) for value in row] for row in rows)
    return text.getvalue()


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
    """Text with a quote before everything that a spreadsheet could read as a formula; numbers are returned as is."""
    return FORMULA.sub(r"\1'", value) if isinstance(value, str) else value


def _choose_free_name(path: Path, taken: set[str]) -> str:
    """A valid file name that differs from those in `taken` on case-insensitive systems too; adds it to `taken`."""
    name = sanitize_name(path.name)
    stem, suffix, number = Path(name).stem, Path(name).suffix, 2
    while (key := unicodedata.normalize("NFC", name).casefold()) in taken:
        name, number = f"{stem}-{number}{suffix}", number + 1
    taken.add(key)
    return name
