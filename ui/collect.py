"""Pictures that were selected, to take away: as a zip file, or as a list of their paths."""

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from indexer.errors import PictureError
from indexer.records import PictureRecord
from ui.originals import opened_original
from ui.plain import readable

__all__ = ["MAX_ZIP_BYTES", "as_csv", "as_json", "as_zip", "size_bytes"]

MAX_ZIP_BYTES = 500 << 20  # it is made in memory
_packing = Lock()
COLUMNS = ("path", "width", "height", "taken_at", "latitude", "longitude", "camera")


def size_bytes(pictures: Sequence[PictureRecord]) -> int:
    """Of the files, as far as they are there."""
    return sum(_size(path) for picture in pictures for path in picture.paths[:1])


def as_zip(pictures: Sequence[PictureRecord]) -> bytes:
    """The original files, as they are; gone ones are named in missing.txt. One at a time: each takes memory."""
    with _packing:
        return _packed(pictures)


def _packed(pictures: Sequence[PictureRecord]) -> bytes:
    packed, missing, names = io.BytesIO(), [], set[str]()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:  # photos are compressed already
        for picture in pictures:
            try:
                with opened_original(picture) as file:
                    archive.writestr(_free_name(picture.paths[0], names), file.read())
            except PictureError as error:
                missing.append(f"{readable(picture.paths[0])}: {error}")
        if missing:
            archive.writestr("missing.txt", "\n".join(missing) + "\n")
    return packed.getvalue()


def as_csv(pictures: Sequence[PictureRecord]) -> str:
    """A table with a header. A cell that a spreadsheet would take for a formula has a quote before it."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    table.writerows([_harmless(value) for value in _row(picture)] for picture in pictures)
    return text.getvalue()


def as_json(pictures: Sequence[PictureRecord]) -> str:
    """A list of objects."""
    return json.dumps([dict(zip(COLUMNS, _row(picture), strict=True)) for picture in pictures], indent=2)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _row(picture: PictureRecord) -> tuple[object, ...]:
    m = picture.facts.metadata
    taken = m.taken_at.isoformat() if m.taken_at else None
    size = picture.facts.width, picture.facts.height
    return readable(picture.paths[0]), *size, taken, m.latitude, m.longitude, m.camera


def _harmless(value: object) -> object:
    return "'" + value if isinstance(value, str) and value[:1] in "=+-@\t\r" else value


def _free_name(path: Path, taken: set[str]) -> str:
    """Two files of one name get numbers."""
    name, number = readable(path.name), 2
    while name.lower() in taken:
        name, number = f"{readable(path.stem)}-{number}{readable(path.suffix)}", number + 1
    taken.add(name.lower())
    return name
