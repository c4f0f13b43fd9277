import io
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from indexer.pictures.metadata import read_metadata
from indexer.pictures.metadata_record import Metadata

EXIF, GPS = 0x8769, 0x8825
XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 photoshop:DateCreated="2021-03-04T05:06:07+02:00" exif:GPSLatitude="48,8.5N" exif:GPSLongitude="11,34.5W"
 tiff:Make="NIKON CORPORATION" tiff:Model="NIKON Z 6">
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">A red boat</rdf:li></rdf:Alt></dc:description>
<dc:subject><rdf:Bag><rdf:li>boat</rdf:li><rdf:li>sea</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def read(exif=None, format_="JPEG", **options):
    written = Image.Exif()
    for tag, value in (exif or {}).items():
        written[tag] = value
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, format_, exif=written, **options)
    return read_metadata(Image.open(file))


def test_a_silent_picture_says_nothing():
    assert read() == Metadata()


def test_exif_tells_when_where_with_what_and_in_whose_words():
    exif = {
        0x010F: "Canon",
        0x0110: "Canon EOS R5",
        0x010E: "Grandma on the beach",
        0x9C9E: "sea;sun".encode("utf-16-le"),
    }
    exif[EXIF] = {0x9003: "2024:05:01 12:30:59", 0x9004: "2025:01:01 00:00:00"}
    exif[GPS] = {1: "S", 2: (33.0, 51.0, 30.0), 3: "E", 4: (151.0, 12.0, 36.0)}
    assert read(exif) == Metadata(
        taken_at=datetime(2024, 5, 1, 12, 30, 59),
        latitude=pytest.approx(-33.858333),
        longitude=pytest.approx(151.21),
        camera="Canon EOS R5",
        caption="Grandma on the beach",
        keywords=("sea", "sun"),
    )


def test_xmp_fills_what_exif_leaves_open():
    assert read(xmp=XMP.encode()) == Metadata(
        taken_at=datetime(2021, 3, 4, 5, 6, 7),
        latitude=pytest.approx(48.141667),
        longitude=pytest.approx(-11.575),
        camera="NIKON Z 6",
        caption="A red boat",
        keywords=("boat", "sea"),
    )
    assert read({0x010E: "From EXIF"}, xmp=XMP.encode()).caption == "From EXIF"


def test_iptc_has_captions_and_keywords():
    def field(number, text):
        return b"\x1c\x02" + bytes([number]) + len(text).to_bytes(2, "big") + text

    records = field(120, "Zwei Bäume".encode()) + field(25, b"tree") + field(25, b"hill") + field(55, b"19991231")
    irb = b"8BIM\x04\x04\0\0" + len(records).to_bytes(4, "big") + records + b"\0" * (len(records) % 2)
    segment = b"Photoshop 3.0\0" + irb
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "JPEG")
    whole = file.getvalue()
    app13 = b"\xff\xed" + (len(segment) + 2).to_bytes(2, "big") + segment
    got = read_metadata(Image.open(io.BytesIO(whole[:2] + app13 + whole[2:])))
    assert got == Metadata(datetime(1999, 12, 31), caption="Zwei Bäume", keywords=("tree", "hill"))


def test_a_make_is_added_where_the_model_leaves_it_out():
    assert read({0x010F: "Apple\0", 0x0110: " iPhone 15 "}).camera == "Apple iPhone 15"


def test_a_png_may_bring_its_words_along():
    info = Image.new("RGB", (1, 1)), "PNG"
    assert info
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add_text("Description", "A drawing")
    assert read(format_="PNG", pnginfo=chunks).caption == "A drawing"


@pytest.mark.parametrize(
    "time", ["0000:00:00 00:00:00", "    :  :     :  :  ", "2024:13:45 99:99:99", "soon", "0001:01:01"]
)
def test_senseless_times_are_left_out(time):
    assert read({EXIF: {0x9003: time}}).taken_at is None


def test_a_time_that_makes_sense_is_looked_for_further():
    exif = {EXIF: {0x9003: "0000:00:00 00:00:00"}, 0x0132: "2020:01:02 03:04:05"}
    assert read(exif).taken_at == datetime(2020, 1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    "gps",
    [
        {2: (91.0, 0.0, 0.0), 4: (0.0, 1.0, 0.0)},
        {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)},
        {2: (TiffImagePlugin.IFDRational(1, 0),) * 3, 4: (1.0, 1.0, 1.0)},
        {2: (48.0, 8.0, 0.0)},
    ],
)
def test_senseless_places_are_left_out(gps):
    got = read({GPS: gps})
    assert (got.latitude, got.longitude) == (None, None)


def test_an_xmp_bomb_is_not_expanded():
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
    assert read(xmp=bomb.encode()) == Metadata()


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_garbage_never_raises(exif, xmp):
    image = Image.new("RGB", (1, 1))
    image.info.update(exif=b"Exif\0\0II*\0\x08\0\0\0" + exif, xmp=xmp)
    assert isinstance(read_metadata(image), Metadata)
