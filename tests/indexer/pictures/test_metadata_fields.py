"""What programs really write into EXIF and XMP, each in a picture, with the right value beside it."""

import io
from datetime import datetime

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from indexer.pictures.metadata import read_metadata
from indexer.pictures.metadata_fields import parse_degrees
from indexer.pictures.metadata_record import Metadata

EXIF, GPS = 0x8769, 0x8825
TIME, COMMENT = 0x9003, 0x9286
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop='
    '"http://ns.adobe.com/photoshop/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">{}</rdf:Description></rdf:RDF>'
    "</x:xmpmeta>"
)


def read(exif=None, xmp=None, byte_order="<", format_="JPEG"):
    """The metadata of a picture. xmp: properties and their texts."""
    written = Image.Exif()
    written.endian = byte_order
    for tag, value in (exif or {}).items():
        written[tag] = value
    body = "".join(f"<{name}>{text}</{name}>" for name, text in (xmp or {}).items())
    options = {"xmp": XMP.format(body).encode()} if xmp else {}
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, format_, exif=written, **options)
    return read_metadata(Image.open(file))


XMP_LATITUDES = [
    ("48.14", None, 48.14),
    ("48", None, 48),
    (" 48 ", None, 48),
    ("48.14", "N", 48.14),
    ("33.5", "S", -33.5),
    ("33.5", "s", -33.5),
    ("33.5", "South", -33.5),
    ("33", "S", -33),
    ("-33.5", None, -33.5),
    ("−33.5", None, -33.5),
    ("-33.5", "S", -33.5),
    ("+48.14", None, 48.14),
    ("48.14N", None, 48.14),
    ("33.5 S", None, -33.5),
    ("S 33.5", None, -33.5),
    ("33.5S", "N", -33.5),
    ("48N", None, 48),
    ("48,8.5N", None, 48 + 8.5 / 60),
    ("48,8.5", "N", 48 + 8.5 / 60),
    ("33,30.6", "S", -33.51),
    ("33,30S", None, -33.5),
    ("33,30,36S", None, -33.51),
    ("33,30,36", "S", -33.51),
    ("33, 30, 36 s", None, -33.51),
    ("33 30 36 S", None, -33.51),
    ("33 30.6", "S", -33.51),
    ("-33,30.6", None, -33.51),
    ("33°30'36\"S", None, -33.51),
    ("33° 30' 36.0\" S", None, -33.51),
    ("33°30′36″", "S", -33.51),
    ("33° 30,6' S", None, -33.51),
    ("33.51°", "S", -33.51),
    ("33.51° S", None, -33.51),
    ("33,51° S", None, -33.51),
    ("33º 30.6' South", None, -33.51),
    ("33 deg 30' 36.00\" S", None, -33.51),
    ("33d30'36\"S", None, -33.51),
    ("33:30:36S", None, -33.51),
    ("33.51,S", None, -33.51),
    ("48,13743", None, 48.13743),  # no minutes: a decimal comma
    ("33/1,30/1,36/1", "S", -33.51),
    ("335/10", "S", -33.5),
    ("3.351e1", "S", -33.51),
    ("91", None, None),
    ("91.5", "S", None),
    ("48,8.5E", None, None),
    ("", None, None),
    ("N", None, None),
    ("north of the river", None, None),
    ("1.2.3.4", None, None),
    ("48/0", None, None),
]


@pytest.mark.parametrize(("text", "reference", "degrees"), XMP_LATITUDES)
@pytest.mark.parametrize("axis", ["Latitude", "Longitude"])
def test_places_in_xmp(axis, text, reference, degrees):
    other, one = ("Longitude", "1E") if axis == "Latitude" else ("Latitude", "1N")
    if axis == "Longitude":  # the same on the other axis, whose limit is 180
        swap = str.maketrans("NSEns", "EWNew")
        text, reference = (
            t and t.replace("South", "W").translate(swap).replace("91", "181") for t in (text, reference)
        )
    xmp = {f"exif:GPS{axis}": text, f"exif:GPS{other}": one}
    if reference:
        xmp[f"exif:GPS{axis}Ref"] = reference
    got = read(xmp=xmp)
    pair = (got.latitude, got.longitude) if axis == "Latitude" else (got.longitude, got.latitude)
    assert pair == ((None, None) if degrees is None else (pytest.approx(degrees, abs=1e-9), 1))


UNKNOWN = IFDRational(0, 0)


@pytest.mark.parametrize(
    ("value", "reference", "degrees"),
    [
        (IFDRational(3351, 100), "S", -33.51),  # a bare rational
        (IFDRational(33, 1), "N", 33),
        ((33.0, 30.6), "S", -33.51),
        ((33.0, 30.0, 36.0), "S", -33.51),
        ((33.0, 30.0, 36.0), "s", -33.51),
        ((33.0, 30.0, 36.0), "South", -33.51),
        ((33.0, 30.0, 36.0), "S\0\0", -33.51),
        ((33.0, 30.0, 36.0), " S", -33.51),
        ((33.0, 30.0, 36.0), None, 33.51),
        ((33.0, 30.0, 36.0), "", 33.51),
        ((IFDRational(335, 10), UNKNOWN, UNKNOWN), "N", 33.5),
        ((33.0, 30.6, UNKNOWN), "S", -33.51),
        ((UNKNOWN, UNKNOWN, UNKNOWN), "N", None),
        ((IFDRational(1, 0), 1.0, 1.0), "N", None),
        ((90.0, 0.0, 1.0), "N", None),
        (IFDRational(95, 1), "N", None),
        (IFDRational(4294967295, 1), "S", None),
        ((90.0, 0.0, 0.0), "S", -90),
    ],
)
@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_places_in_exif(value, reference, degrees, byte_order):
    gps = {2: value, 3: "w", 4: IFDRational(1, 2)} | ({} if reference is None else {1: reference})
    got = read({GPS: gps}, byte_order=byte_order)
    expected = (None, None) if degrees is None else (pytest.approx(degrees, abs=1e-6), -0.5)
    assert (got.latitude, got.longitude) == expected


@pytest.mark.parametrize(
    ("value", "reference", "degrees"),
    [
        ((-33.0, 30.0, 36.0), "S", -33.51),
        ((0.0, -30.0, 0.0), None, -0.5),
        ((33.0, 30.0, 36.0, 9.0), b"s\0", -33.51),
        ("33,30.6S", None, -33.51),
        (b"33.51\0", b"S\0", -33.51),
        ("somewhere", "S", None),
        (33, "S", -33),
        ((), "S", None),
        (b"", "S", None),
    ],
)
def test_places_of_a_wrong_type(value, reference, degrees):
    assert parse_degrees(value, reference, "NS") == (degrees and pytest.approx(degrees))


def test_xmp_knows_the_place_when_exif_does_not():
    exif = {GPS: {2: (UNKNOWN,) * 3, 4: (UNKNOWN,) * 3}}
    assert read(exif, {"exif:GPSLatitude": "48", "exif:GPSLongitude": "11", "exif:GPSLongitudeRef": "W"}) == Metadata(
        latitude=48, longitude=-11
    )


DAY, NOON, AFTERNOON = datetime(2008, 6, 1), datetime(2008, 6, 1, 12, 30), datetime(2008, 6, 1, 15, 4, 5)
TIMES = [
    ("2008:06:01 10:30:15", datetime(2008, 6, 1, 10, 30, 15)),
    ("2008-06-01T10:30:15-08:00", datetime(2008, 6, 1, 10, 30, 15)),
    ("2008-06-01T10:30:15.75+02:00", datetime(2008, 6, 1, 10, 30, 15)),
    ("2008-06-01T10:30:15Z", datetime(2008, 6, 1, 10, 30, 15)),
    ("2008-06-01T10:30-08:00", datetime(2008, 6, 1, 10, 30)),
    ("2008-06-01T10:30+02:00", datetime(2008, 6, 1, 10, 30)),
    ("2008-06-01T10:30Z", datetime(2008, 6, 1, 10, 30)),
    ("2008-06-01T10:30 -08:00", datetime(2008, 6, 1, 10, 30)),
    ("2008-06-01T10:30", datetime(2008, 6, 1, 10, 30)),
    ("2008-06-01T10-08:00", datetime(2008, 6, 1, 10)),
    ("20080601T103015-0800", datetime(2008, 6, 1, 10, 30, 15)),
    ("20080601T1030-0800", datetime(2008, 6, 1, 10, 30)),
    ("20080601103015", datetime(2008, 6, 1, 10, 30, 15)),
    ("2008:06:01 10:30:15+09:00", datetime(2008, 6, 1, 10, 30, 15)),
    ("2008:06:01:10:30:15", datetime(2008, 6, 1, 10, 30, 15)),
    ("2008/06/01 10:30:15", datetime(2008, 6, 1, 10, 30, 15)),
    ("2008.06.01 10.30.15", datetime(2008, 6, 1, 10, 30, 15)),
    ("2008/6/1 9:05", datetime(2008, 6, 1, 9, 5)),
    ("2008: 6: 1  9: 5: 3", datetime(2008, 6, 1, 9, 5, 3)),
    ("2008: 6: 1 10:30:15", datetime(2008, 6, 1, 10, 30, 15)),
    ("2008-06-01-08:00", DAY),
    ("2008-06-01+02:00", DAY),
    ("2008-06-01Z", DAY),
    ("2008-06-01", DAY),
    ("20080601", DAY),
    ("2008:06:01 24:00:00", DAY),
    ("2008-06-01T24:00:00Z", DAY),
    ("2008:06:01 99:99:99", DAY),
    ("2008:06:01 10:30:60", datetime(2008, 6, 1, 10, 30)),
    ("2008:06:01 10:60:00", datetime(2008, 6, 1, 10)),
    ("2008:06:01   :  :  ", DAY),
    ("2008:06:01 --:--:--", DAY),
    ("2008:06:01 10:  :  ", datetime(2008, 6, 1, 10)),
    ("2008:06:01 10:30:--", datetime(2008, 6, 1, 10, 30)),
    ("2008:06:01 soon", DAY),
    ("2008:06:   10:30:15", DAY),
    ("2008:06:00 00:00:00", DAY),
    ("2008-06", DAY),
    ("2008:06", DAY),
    ("2008", datetime(2008, 1, 1)),
    ("2008:  :     :  :  ", datetime(2008, 1, 1)),
    ("2008:--:-- --:--:--", datetime(2008, 1, 1)),
    ("2008:00:00 00:00:00", datetime(2008, 1, 1)),
    ("0000:00:00 00:00:00", None),
    ("0000", None),
    ("    :  :     :  :  ", None),
    ("----:--:-- --:--:--", None),
    ("2008:13:45 10:30:15", None),
    ("2008:02:30 10:30:15", None),
    ("0001:01:01 00:00:00", None),
    ("soon", None),
    ("10:30:15", None),
    ("2008:06:01 03:04:05 PM", AFTERNOON),
    ("2008:06:01 03:04:05PM", AFTERNOON),
    ("2008:06:01 3:04:05 pm", AFTERNOON),
    ("2008-06-01T03:04:05.5 p.m.", AFTERNOON),
    ("2008-06-01 3:04:05 p. m. +02:00", AFTERNOON),
    ("2008/6/1 3:04 PM", datetime(2008, 6, 1, 15, 4)),
    ("2008/6/1 3PM", datetime(2008, 6, 1, 15)),
    ("2008:06:01 PM 03:04:05", AFTERNOON),
    ("2008:06:01 下午 03:04:05", AFTERNOON),
    ("2008/06/01 午後3:04:05", AFTERNOON),
    ("2008:06:01 오후 3:04:05", AFTERNOON),
    ("2008:06:01 15:04:05 PM", AFTERNOON),
    ("2008:06:01 03:04:05 AM", datetime(2008, 6, 1, 3, 4, 5)),
    ("2008:06:01 上午 03:04:05", datetime(2008, 6, 1, 3, 4, 5)),
    ("2008:06:01 12:04:05 AM", datetime(2008, 6, 1, 0, 4, 5)),
    ("2008:06:01 12:04:05 PM", datetime(2008, 6, 1, 12, 4, 5)),
    ("2008:06:01 PM", DAY),
    ("2008:06:01   :  : PM", DAY),
    ("2008年06月01日 12:30:00", NOON),
    ("2008年6月1日12:30:00", NOON),
    ("2008年6月1日 12時30分", NOON),
    ("2008年6月1日12时30分00秒", NOON),
    ("2008年6月1日 下午 12:30", NOON),
    ("２００８年０６月０１日　１２：３０：００", NOON),
    ("2008년 06월 01일 12:30:00", NOON),
    ("2008년 6월 1일 오후 12시 30분 0초", NOON),
    ("2008???06???01??? 12:30:00", NOON),
    ("2008:??:?? ??:??:??", datetime(2008, 1, 1)),
    ("2008:06:?? ??:??:??", DAY),
    ("2008-06-01 12h30", NOON),
    ("2008-06-01 12h30m00s", NOON),
    ("2008年6月1日", DAY),
    ("2008年6月", DAY),
    ("2008年", datetime(2008, 1, 1)),
    ("2007-W47-1", None),
    ("2007-W47", None),
    ("2007W471", None),
    ("2007-W47-1T10:30:15", None),
    ("2007-323", None),
    ("2007-123", None),
    ("2007123", None),
    ("2007-123T10:30:15", None),
    ("2007-Q3", None),
    ("2007-Jun-01 10:30:15", None),
    ("2007 June", None),
    ("2007, in summer", None),
    ("2007-06-W1", None),
    ("2007-06 or so", None),
    ("2007-06-011", None),
    ("2007/2008", None),
    ("2007-08-2008", None),
    ("20071", None),
    ("平成20年6月1日", None),
    ("01.06.2008 12:30", None),
    ("June 1, 2008", None),
]


@pytest.mark.parametrize(("text", "time"), TIMES)
def test_times(text, time):
    assert read({EXIF: {TIME: text.encode()}}).taken_at == time
    assert read(xmp={"photoshop:DateCreated": text}).taken_at == time
    assert read(xmp={"xmp:CreateDate": text}, format_="WEBP").taken_at == time


@pytest.mark.parametrize("codec", ["utf-8", "gbk", "euc_jp", "euc_kr"])
def test_times_in_other_encodings(codec):
    text = "2008년 06월 01일 12:30:00" if codec == "euc_kr" else "2008年06月01日 12:30:00"
    assert read({EXIF: {TIME: text.replace(" 0", "0").encode(codec)}}).taken_at == NOON


LITTLE, BIG, BOTH = "utf-16-le", "utf-16-be", "<>"


@pytest.mark.parametrize(
    ("code", "data", "text", "byte_orders"),
    [
        (b"ASCII\0\0\0", b"Birthday 2019", "Birthday 2019", BOTH),
        (b"ASCII   ", b"Birthday 2019   ", "Birthday 2019", BOTH),
        (b"ASCII\0\0\0", b"Birthday\0\0junk", "Birthday", BOTH),
        (b"ASCII\0\0\0", "Übermorgen".encode(), "Übermorgen", BOTH),
        (b"ASCII\0\0\0", "Übermorgen".encode("latin-1"), "Übermorgen", BOTH),
        (b"\0\0\0\0\0\0\0\0", b"Birthday 2019\0", "Birthday 2019", BOTH),
        (b"\0\0\0\0\0\0\0\0", "東京".encode(), "東京", BOTH),
        (b"", b"Birthday 2019", "Birthday 2019", BOTH),  # no code at all
        (b"", b"Party", "Party", BOTH),
        (b"Unicode\0", b"Birthday", "Birthday", BOTH),
        (b"Unicode\0", "Birthday".encode(LITTLE), "Birthday", BOTH),
        (b"UNICODE ", "Birthday".encode(LITTLE), "Birthday", BOTH),
        (b"UNICODE\0", "Birthday 2019\0\0".encode(LITTLE), "Birthday 2019", BOTH),
        (b"UNICODE\0", "Birthday 2019\0\0".encode(BIG), "Birthday 2019", BOTH),
        (b"UNICODE\0", "\ufeffBirthday 2019".encode(LITTLE), "Birthday 2019", BOTH),
        (b"UNICODE\0", "\ufeffBirthday 2019".encode(BIG), "Birthday 2019", BOTH),
        (b"UNICODE\0", "Größe".encode(BIG), "Größe", BOTH),
        (b"UNICODE\0", "День рождения".encode(LITTLE), "День рождения", BOTH),
        (b"UNICODE\0", "День рождения".encode(BIG), "День рождения", BOTH),
        (b"UNICODE\0", "我们在公园里玩得很开心".encode(LITTLE), "我们在公园里玩得很开心", BOTH),
        (b"UNICODE\0", "我们在公园里玩得很开心".encode(BIG), "我们在公园里玩得很开心", BOTH),
        (b"UNICODE\0", "東京タワー".encode(BIG), "東京タワー", BOTH),
        (b"UNICODE\0", "제주도 여행".encode(LITTLE), "제주도 여행", BOTH),
        (b"UNICODE\0", "Feuerwerk 🎆".encode(BIG), "Feuerwerk 🎆", BOTH),
        (b"UNICODE\0", "一个".encode(LITTLE), "一个", "<"),
        (b"UNICODE\0", "北京".encode(BIG), "北京", ">"),
        (b"UNICODE\0", b"B\0i\0r\0x", "Bir", BOTH),
        (b"JIS\0\0\0\0\0", "東京タワー".encode("iso2022_jp"), "東京タワー", BOTH),
        (b"JIS\0\0\0\0\0", "東京タワー 2019".encode("iso2022_jp"), "東京タワー 2019", BOTH),
        (b"JIS\0\0\0\0\0", bytes(b & 0x7F for b in "東京タワー".encode("euc_jp")) + b"\0", "東京タワー", BOTH),
        (b"JIS\0\0\0\0\0", "東京タワー".encode("euc_jp"), "東京タワー", BOTH),
        (b"JIS\0\0\0\0\0", "東京タワー".encode("shift_jis"), "東京タワー", BOTH),
        (b"JIS\0\0\0\0\0", b"Birthday 2019", "Birthday 2019", BOTH),
        (b"JIS\0\0\0\0\0", b"Birthday", "Birthday", BOTH),
        (b"ASCII\0\0\0", b"\0" * 40, None, BOTH),
        (b"UNICODE\0", b"\0" * 40, None, BOTH),
        (b"UNICODE\0", b" \0" * 20, None, BOTH),
        (b"JIS\0\0\0\0\0", b"\0" * 40, None, BOTH),
        (b"\0\0\0\0\0\0\0\0", b"", None, BOTH),
        (b"UNICODE\0", "Created with GIMP".encode(LITTLE), None, BOTH),
    ],
)
def test_comments(code, data, text, byte_orders):
    for byte_order in byte_orders:
        assert read({EXIF: {COMMENT: code + data}}, byte_order=byte_order).caption == text


@pytest.mark.parametrize("text", ["Zwei Bäume", "東京タワー", "Plain"])
def test_utf_8_in_exif_is_read_as_such(text):
    assert read({0x010E: text.encode(), 0x0110: b"X " + text.encode()}) == Metadata(caption=text, camera=f"X {text}")
