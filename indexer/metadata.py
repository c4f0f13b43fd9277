"""What a picture says of itself: when, where, with what, and in whose words. From EXIF, then XMP, then IPTC."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin

__all__ = ["Metadata", "read_metadata"]

T = TypeVar("T")
Tags = dict[Any, Any]

MAX_TEXT = 10_000  # characters of a caption that are kept
CAMERA_CAPTIONS = re.compile(
    r"(olympus digital camera|samsung( camera pictures)?|sony dsc|dcim\\.*|digital camera|minolta digital camera"
    r"|exif[_ ]jpeg.*|created by .*|default|untitled|.*\.(jpe?g|png|tiff?))?",
    re.IGNORECASE,
)  # written by machines, not by people
IPTC_KEYWORDS, IPTC_CAPTION, IPTC_DATE, IPTC_TIME = (2, 25), (2, 120), (2, 55), (2, 60)


@dataclass(frozen=True, slots=True)
class Metadata:
    """None or empty where the picture is silent, or says what can't be so."""

    taken_at: datetime | None = None  # naive, what the camera's clock said: EXIF seldom has a zone, and people
    latitude: float | None = None  # degrees, -90..90                          look for the day that they lived
    longitude: float | None = None  # degrees, -180..180
    camera: str | None = None
    caption: str | None = None
    keywords: tuple[str, ...] = ()


def read_metadata(image: Image.Image) -> Metadata:
    """The metadata of an opened picture. Damaged or senseless fields are left out; nothing raises."""
    exif: Tags = _safely(lambda: dict(image.getexif())) or {}
    detail: Tags = _safely(lambda: image.getexif().get_ifd(ExifTags.IFD.Exif)) or {}
    gps: Tags = _safely(lambda: image.getexif().get_ifd(ExifTags.IFD.GPSInfo)) or {}
    iptc: Tags = _safely(lambda: _iptc(image)) or {}
    xmp = _Xmp(_safely(image.getxmp) or {})
    latitude, longitude = _safely(lambda: _position(gps, xmp)) or (None, None)
    return Metadata(
        taken_at=_first(_times(exif, detail, xmp, iptc), _time),
        latitude=latitude,
        longitude=longitude,
        camera=_safely(lambda: _camera(exif, xmp)),
        caption=_first(_captions(image, exif, detail, xmp, iptc), _caption),
        keywords=_safely(lambda: _keywords(exif, xmp, iptc)) or (),
    )


def _safely(read: Callable[[], T]) -> T | None:
    """Metadata is written by countless programs, by many wrongly; whatever goes wrong, the picture is worth more."""
    try:
        return read()
    except Exception:
        return None


def _iptc(image: Image.Image) -> Tags:
    return (isinstance(image, ImageFile.ImageFile) and IptcImagePlugin.getiptcinfo(image)) or {}


def _first(candidates: Iterator[Any], parse: Callable[[Any], T | None]) -> T | None:
    """The first candidate that makes sense."""
    for candidate in candidates:
        if candidate is not None and (value := _safely(partial(parse, candidate))) is not None:
            return value
    return None


class _Xmp:
    """A parsed XMP packet, asked by a property's name without its namespace."""

    def __init__(self, packet: Any) -> None:
        self._packet = packet

    def texts(self, name: str) -> list[str]:
        """Every text under the first property of that name: of a list its items, of a translated text each."""
        return list(_texts(_property(self._packet, name)))

    def text(self, name: str) -> str | None:
        return next(iter(self.texts(name)), None)


def _property(node: Any, name: str) -> Any:
    if isinstance(node, dict):
        if name in node:
            return node[name]
        node = list(node.values())
    if isinstance(node, list):
        return next((found for child in node if (found := _property(child, name)) is not None), None)
    return None


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for child in node:
            yield from _texts(child)
    elif isinstance(node, dict):
        for key, child in node.items():
            if key != "lang":
                yield from _texts(child)


def _times(exif: Tags, detail: Tags, xmp: _Xmp, iptc: Tags) -> Iterator[Any]:
    yield detail.get(ExifTags.Base.DateTimeOriginal)
    yield detail.get(ExifTags.Base.DateTimeDigitized)
    yield from (xmp.text(name) for name in ("DateTimeOriginal", "DateCreated", "CreateDate"))
    if IPTC_DATE in iptc:
        yield _text(iptc[IPTC_DATE]) + _text(iptc.get(IPTC_TIME, b""))[:6]
    yield exif.get(ExifTags.Base.DateTime)


def _time(value: Any) -> datetime | None:
    """2024:05:01 12:30:00 (EXIF), 2024-05-01T12:30:00+02:00 (XMP), 20240501123000 (IPTC); a date alone is midnight."""
    numbers = re.match(r"(\d{4})\D?(\d\d)\D?(\d\d)(?:\D?(\d\d)\D?(\d\d)\D?(\d\d)?)?", _text(value))
    if numbers is None:
        return None
    year, month, day, hour, minute, second = (int(n or 0) for n in numbers.groups())
    time = datetime(year, month, day, hour, minute, second)
    return time if time.year >= 1826 else None  # the oldest photograph there is


def _position(gps: Tags, xmp: _Xmp) -> tuple[float | None, float | None]:
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), 90)
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), 180)
    if latitude is None or longitude is None:
        latitude, longitude = _xmp_degrees(xmp.text("GPSLatitude"), 90), _xmp_degrees(xmp.text("GPSLongitude"), 180)
    if latitude is None or longitude is None or (latitude, longitude) == (0, 0):  # 0, 0: a receiver without a fix
        return None, None
    return latitude, longitude


def _degrees(parts: Sequence[Any] | None, reference: Any, limit: int) -> float | None:
    if not parts:
        return None
    value = sum(float(part) / 60**i for i, part in enumerate(parts))
    value = -value if _text(reference).upper()[:1] in ("S", "W") else value
    return value if math.isfinite(value) and abs(value) <= limit else None


def _xmp_degrees(text: str | None, limit: int) -> float | None:
    """48,8.5N or 48,8,30N."""
    if text is None:
        return None
    return _degrees(text[:-1].split(","), text[-1], limit)


def _camera(exif: Tags, xmp: _Xmp) -> str | None:
    maker = _text(exif.get(ExifTags.Base.Make) or xmp.text("Make"))
    model = _text(exif.get(ExifTags.Base.Model) or xmp.text("Model"))
    if maker and not model.lower().startswith(maker.lower().split()[0]):
        model = f"{maker} {model}".strip()
    return model[:200] or None


def _captions(image: Image.Image, exif: Tags, detail: Tags, xmp: _Xmp, iptc: Tags) -> Iterator[Any]:
    yield exif.get(ExifTags.Base.ImageDescription)
    yield xmp.text("description")
    yield iptc.get(IPTC_CAPTION)
    yield _user_comment(detail.get(ExifTags.Base.UserComment))
    yield from (_utf16(exif.get(tag)) for tag in (ExifTags.Base.XPTitle, ExifTags.Base.XPComment))
    yield xmp.text("title")
    yield from (image.info.get(name) for name in ("Description", "Title", "Comment"))  # PNG's text chunks


def _caption(value: Any) -> str | None:
    text = _text(value)[:MAX_TEXT]
    return None if CAMERA_CAPTIONS.fullmatch(text) else text


def _user_comment(value: Any) -> str | None:
    """Eight bytes name the encoding (EXIF 2.32, UserComment)."""
    if not isinstance(value, bytes):
        return value if isinstance(value, str) else None
    encoding, rest = value[:8], value[8:]
    return rest.decode("utf-16", "ignore") if encoding.startswith(b"UNICODE") else _text(rest)


def _keywords(exif: Tags, xmp: _Xmp, iptc: Tags) -> tuple[str, ...]:
    in_iptc = iptc.get(IPTC_KEYWORDS, [])
    candidates = xmp.texts("subject") + (in_iptc if isinstance(in_iptc, list) else [in_iptc])
    candidates += (_utf16(exif.get(ExifTags.Base.XPKeywords)) or "").split(";")
    words = (" ".join(_text(word).split())[:200] for word in candidates)
    return tuple(dict.fromkeys(word for word in words if word))


def _utf16(value: Any) -> str | None:
    """Windows' XP tags."""
    return value.decode("utf-16-le", "ignore") if isinstance(value, bytes) else None


def _text(value: Any) -> str:
    """UTF-8 if it is, else Latin-1; no NULs and no blanks around."""
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            value = value.decode("latin-1")
    return str(value or "").replace("\0", " ").strip()
