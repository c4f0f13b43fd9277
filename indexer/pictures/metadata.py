"""Read the metadata of a picture from EXIF, then XMP, then IPTC: date, place, camera, caption, keywords."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin, TiffImagePlugin

from indexer.pictures.machine_captions import is_machine_caption
from indexer.pictures.metadata_fields import decode_comment, decode_text, parse_degrees, parse_time
from indexer.pictures.metadata_record import Metadata
from indexer.pictures.xmp import Xmp

__all__ = ["read_exif", "read_metadata"]

T = TypeVar("T")
Tags = dict[Any, Any]

MAX_TEXT = 10_000  # characters; longer captions are cut
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


def read_metadata(image: Image.Image) -> Metadata:
    """The metadata of an opened picture. Damaged and invalid fields are left out; never raises."""
    block = _try(lambda: read_exif(image))
    exif = _read_tags(block, None, PICTURE_TAGS)
    detail = _try(lambda: _read_tags(block, ExifTags.IFD.Exif, DETAIL_TAGS)) or {}
    gps = _try(lambda: _read_tags(block, ExifTags.IFD.GPSInfo, GPS_TAGS)) or {}
    iptc: Tags = _try(lambda: _read_iptc(image)) or {}
    xmp = _try(lambda: Xmp(image.info.get("xmp"))) or Xmp()
    latitude, longitude = _parse_first(_find_positions(gps, xmp), _parse_position) or (None, None)
    return Metadata(
        taken_at=_parse_first(_find_times(exif, detail, xmp, iptc), parse_time),
        latitude=latitude,
        longitude=longitude,
        camera=_try(lambda: _read_camera(exif, xmp)),
        caption=_parse_first(_find_captions(image, exif, detail, xmp, iptc), partial(_clean_caption, exif)),
        keywords=_try(lambda: _read_keywords(exif, xmp, iptc)) or (),
    )


def read_exif(image: Image.Image) -> Image.Exif:
    """The EXIF of an opened picture. Does not decode the picture, unlike `PngImageFile.getexif`."""
    return Image.Image.getexif(image)


def _read_tags(exif: Image.Exif | None, directory: ExifTags.IFD | None, names: tuple[int, ...]) -> Tags:
    """The tags with these numbers in one directory (None: the first); no others are unpacked.

    Texts are returned as bytes: Pillow decodes them as Latin-1, but many are UTF-8.
    """
    tags: Any = exif
    if exif is not None and directory is not None and directory in exif:
        exif.fp.seek(exif[directory])
        tags = TiffImagePlugin.ImageFileDirectory_v2(exif.head, group=directory)
        tags.load(exif.fp)
    elif directory is not None:
        return {}
    return {name: value for name in names if (value := _try(partial(_read_tag, tags, name))) is not None}


def _read_tag(tags: Any, name: int) -> Any:
    value = tags.get(name)
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    return value.encode("latin-1") if isinstance(value, str) else value


def _try(read: Callable[[], T]) -> T | None:
    """The result, or None after any exception: invalid metadata must not prevent that a picture is indexed."""
    try:
        return read()
    except Exception:
        return None


def _read_iptc(image: Image.Image) -> Tags:
    return (isinstance(image, ImageFile.ImageFile) and IptcImagePlugin.getiptcinfo(image)) or {}


def _parse_first(candidates: Iterator[Any], parse: Callable[[Any], T | None]) -> T | None:
    """The result for the first candidate that can be parsed."""
    for candidate in candidates:
        if candidate is not None and (value := _try(partial(parse, candidate))) is not None:
            return value
    return None


def _find_times(exif: Tags, detail: Tags, xmp: Xmp, iptc: Tags) -> Iterator[Any]:
    yield detail.get(ExifTags.Base.DateTimeOriginal)
    yield detail.get(ExifTags.Base.DateTimeDigitized)
    yield from (xmp.text(name) for name in ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate"))
    if IPTC_DATE in iptc:
        yield f"{decode_text(iptc[IPTC_DATE])}T{decode_text(iptc.get(IPTC_TIME))}"
    yield exif.get(ExifTags.Base.DateTime)


def _find_positions(gps: Tags, xmp: Xmp) -> Iterator[Any]:
    """Latitude, its reference, longitude and its reference: of EXIF, then of XMP."""
    yield tuple(gps.get(tag) for tag in GPS_TAGS)
    yield tuple(xmp.text(f"exif:{tag.name}") for tag in GPS_TAGS)


def _parse_position(values: tuple[Any, Any, Any, Any]) -> tuple[float, float] | None:
    latitude, longitude = parse_degrees(*values[:2], "NS"), parse_degrees(*values[2:], "EW")
    if latitude is None or longitude is None or (latitude, longitude) == (0, 0):  # 0, 0: a receiver without a fix
        return None
    return latitude, longitude


def _read_camera(exif: Tags, xmp: Xmp) -> str | None:
    maker = decode_text(exif.get(ExifTags.Base.Make) or xmp.text("tiff:Make"))
    model = decode_text(exif.get(ExifTags.Base.Model) or xmp.text("tiff:Model"))
    if maker and not model.lower().startswith(maker.lower().split()[0]):
        model = f"{maker} {model}".strip()
    return model[:200] or None


def _find_captions(image: Image.Image, exif: Tags, detail: Tags, xmp: Xmp, iptc: Tags) -> Iterator[Any]:
    yield exif.get(ExifTags.Base.ImageDescription)
    yield xmp.text("dc:description")
    yield iptc.get(IPTC_CAPTION)
    if isinstance(comment := detail.get(ExifTags.Base.UserComment), bytes):
        yield decode_comment(comment, ">" if read_exif(image).endian == ">" else "<")
    yield from (_decode_utf16(exif.get(tag)) for tag in (ExifTags.Base.XPTitle, ExifTags.Base.XPComment))
    yield xmp.text("dc:title")
    yield from (image.info.get(name) for name in ("Description", "Title", "Comment"))  # PNG's text chunks


def _clean_caption(exif: Tags, value: Any) -> str | None:
    text = decode_text(value)[:MAX_TEXT]
    names = (decode_text(exif.get(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.Software))
    return None if is_machine_caption(text) or text in names else text


def _read_keywords(exif: Tags, xmp: Xmp, iptc: Tags) -> tuple[str, ...]:
    in_iptc = iptc.get(IPTC_KEYWORDS, [])
    candidates = xmp.texts("dc:subject") + (in_iptc if isinstance(in_iptc, list) else [in_iptc])
    candidates += (_decode_utf16(exif.get(ExifTags.Base.XPKeywords)) or "").split(";")
    words = (" ".join(decode_text(word).split())[:200] for word in candidates)
    return tuple(dict.fromkeys(word for word in words if word))


def _decode_utf16(value: Any) -> str | None:
    """The text of one of the XP tags of Windows."""
    return value.decode("utf-16-le", "ignore") if isinstance(value, bytes) else None
