"""What a picture says of itself: when, where, with what, and in whose words. From EXIF, then XMP, then IPTC."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin, TiffImagePlugin

from indexer.pictures.machine_captions import is_stamp
from indexer.pictures.metadata_fields import decode_comment, decode_text, parse_degrees, parse_time
from indexer.pictures.xmp import Xmp

__all__ = ["Metadata", "read_exif", "read_metadata"]

T = TypeVar("T")
Tags = dict[Any, Any]

MAX_TEXT = 10_000  # characters of a caption that are kept
PICTURE_TAGS = (
    *(ExifTags.Base.ImageDescription, ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.Software),
    *(ExifTags.Base.DateTime, ExifTags.Base.XPTitle, ExifTags.Base.XPComment, ExifTags.Base.XPKeywords),
)
DETAIL_TAGS = (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized, ExifTags.Base.UserComment)
GPS_TAGS = (
    ExifTags.GPS.GPSLatitude,
    ExifTags.GPS.GPSLatitudeRef,
    ExifTags.GPS.GPSLongitude,
    ExifTags.GPS.GPSLongitudeRef,
)
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
    block = _safely(lambda: read_exif(image))
    exif = _read_tags(block, None, PICTURE_TAGS)
    detail = _safely(lambda: _read_tags(block, ExifTags.IFD.Exif, DETAIL_TAGS)) or {}
    gps = _safely(lambda: _read_tags(block, ExifTags.IFD.GPSInfo, GPS_TAGS)) or {}
    iptc: Tags = _safely(lambda: _iptc(image)) or {}
    xmp = _safely(lambda: Xmp(image.info.get("xmp"))) or Xmp()
    latitude, longitude = _first(_positions(gps, xmp), _position) or (None, None)
    return Metadata(
        taken_at=_first(_times(exif, detail, xmp, iptc), parse_time),
        latitude=latitude,
        longitude=longitude,
        camera=_safely(lambda: _camera(exif, xmp)),
        caption=_first(_captions(image, exif, detail, xmp, iptc), partial(_caption, exif)),
        keywords=_safely(lambda: _keywords(exif, xmp, iptc)) or (),
    )


def read_exif(image: Image.Image) -> Image.Exif:
    """The EXIF of an opened picture, without decoding it, as Pillow does for a PNG."""
    return Image.Image.getexif(image)


def _read_tags(exif: Image.Exif | None, directory: ExifTags.IFD | None, names: tuple[int, ...]) -> Tags:
    """These tags of one directory, the first if None; no other is unpacked.

    Texts as bytes again: Pillow takes them for Latin-1, though many are UTF-8.
    """
    tags: Any = exif
    if exif is not None and directory is not None and directory in exif:
        exif.fp.seek(exif[directory])
        tags = TiffImagePlugin.ImageFileDirectory_v2(exif.head, group=directory)
        tags.load(exif.fp)
    elif directory is not None:
        return {}
    return {name: value for name in names if (value := _safely(partial(_read_tag, tags, name))) is not None}


def _read_tag(tags: Any, name: int) -> Any:
    value = tags.get(name)
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    return value.encode("latin-1") if isinstance(value, str) else value


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


def _times(exif: Tags, detail: Tags, xmp: Xmp, iptc: Tags) -> Iterator[Any]:
    yield detail.get(ExifTags.Base.DateTimeOriginal)
    yield detail.get(ExifTags.Base.DateTimeDigitized)
    yield from (xmp.text(name) for name in ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate"))
    if IPTC_DATE in iptc:
        yield f"{decode_text(iptc[IPTC_DATE])}T{decode_text(iptc.get(IPTC_TIME))}"
    yield exif.get(ExifTags.Base.DateTime)


def _positions(gps: Tags, xmp: Xmp) -> Iterator[Any]:
    """Latitude, its reference, longitude, its reference: of EXIF, then of XMP."""
    yield tuple(gps.get(tag) for tag in GPS_TAGS)
    yield tuple(xmp.text(f"exif:{tag.name}") for tag in GPS_TAGS)


def _position(values: tuple[Any, Any, Any, Any]) -> tuple[float, float] | None:
    latitude, longitude = parse_degrees(*values[:2], "NS"), parse_degrees(*values[2:], "EW")
    if latitude is None or longitude is None or (latitude, longitude) == (0, 0):  # 0, 0: a receiver without a fix
        return None
    return latitude, longitude


def _camera(exif: Tags, xmp: Xmp) -> str | None:
    maker = decode_text(exif.get(ExifTags.Base.Make) or xmp.text("tiff:Make"))
    model = decode_text(exif.get(ExifTags.Base.Model) or xmp.text("tiff:Model"))
    if maker and not model.lower().startswith(maker.lower().split()[0]):
        model = f"{maker} {model}".strip()
    return model[:200] or None


def _captions(image: Image.Image, exif: Tags, detail: Tags, xmp: Xmp, iptc: Tags) -> Iterator[Any]:
    yield exif.get(ExifTags.Base.ImageDescription)
    yield xmp.text("dc:description")
    yield iptc.get(IPTC_CAPTION)
    if isinstance(comment := detail.get(ExifTags.Base.UserComment), bytes):
        yield decode_comment(comment, ">" if read_exif(image).endian == ">" else "<")
    yield from (_utf16(exif.get(tag)) for tag in (ExifTags.Base.XPTitle, ExifTags.Base.XPComment))
    yield xmp.text("dc:title")
    yield from (image.info.get(name) for name in ("Description", "Title", "Comment"))  # PNG's text chunks


def _caption(exif: Tags, value: Any) -> str | None:
    text = decode_text(value)[:MAX_TEXT]
    names = (decode_text(exif.get(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.Software))
    return None if is_stamp(text) or text in names else text


def _keywords(exif: Tags, xmp: Xmp, iptc: Tags) -> tuple[str, ...]:
    in_iptc = iptc.get(IPTC_KEYWORDS, [])
    candidates = xmp.texts("dc:subject") + (in_iptc if isinstance(in_iptc, list) else [in_iptc])
    candidates += (_utf16(exif.get(ExifTags.Base.XPKeywords)) or "").split(";")
    words = (" ".join(decode_text(word).split())[:200] for word in candidates)
    return tuple(dict.fromkeys(word for word in words if word))


def _utf16(value: Any) -> str | None:
    """Windows' XP tags."""
    return value.decode("utf-16-le", "ignore") if isinstance(value, bytes) else None
