"""Which of the properties in an XMP packet are the picture's own."""

import io
from datetime import datetime

import pytest
from PIL import Image

from indexer.pictures.metadata import read_metadata
from indexer.pictures.metadata_record import Metadata

NAMESPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "ext": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "other": "http://example.org/other/",
}
DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
FOREIGN = (
    "<exif:GPSLatitude>10,0N</exif:GPSLatitude><exif:GPSLongitude>20,0E</exif:GPSLongitude>"
    "<exif:DateTimeOriginal>1999-01-01</exif:DateTimeOriginal><photoshop:DateCreated>1999-01-01</photoshop:DateCreated>"
    "<xmp:CreateDate>1999-01-01</xmp:CreateDate><tiff:Make>Foreign</tiff:Make><tiff:Model>Foreign</tiff:Model>"
    "<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>Foreign</rdf:li></rdf:Alt></dc:title>"
    "<dc:description>Foreign</dc:description><dc:subject><rdf:Bag><rdf:li>foreign</rdf:li></rdf:Bag></dc:subject>"
)
FOREIGN_ATTRIBUTES = (
    'exif:GPSLatitude="10,0N" exif:GPSLongitude="20,0E" photoshop:DateCreated="1999-01-01" '
    'xmp:CreateDate="1999-01-01" tiff:Make="Foreign" tiff:Model="Foreign" dc:title="Foreign" dc:description="Foreign" '
    'dc:subject="foreign"'
)
OWN = (
    "<exif:GPSLatitude>48,30N</exif:GPSLatitude><exif:GPSLongitude>11,30W</exif:GPSLongitude>"
    "<photoshop:DateCreated>2015-05-05</photoshop:DateCreated><tiff:Model>Own</tiff:Model>"
    "<dc:description>Own words</dc:description><dc:subject><rdf:Bag><rdf:li>own</rdf:li></rdf:Bag></dc:subject>"
)
OWN_METADATA = Metadata(datetime(2015, 5, 5), 48.5, -11.5, "Own", "Own words", ("own",))


def packet(*descriptions, root="x:xmpmeta"):
    body = f"<rdf:RDF {DECLARED}>{''.join(descriptions)}</rdf:RDF>"
    return f"<{root} {DECLARED}>{body}</{root}>" if root else body


def description(body="", attributes=""):
    return f'<rdf:Description rdf:about="" {attributes}>{body}</rdf:Description>'


def read(text):
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "JPEG", xmp=text.encode())
    return read_metadata(Image.open(file))


OTHERS = {
    "place shown": f"<ext:LocationShown><rdf:Bag><rdf:li rdf:parseType='Resource'>{FOREIGN}</rdf:li></rdf:Bag>"
    "</ext:LocationShown>",
    "ingredient": f"<xmpMM:Pantry><rdf:Bag><rdf:li rdf:parseType='Resource'>{FOREIGN}</rdf:li></rdf:Bag>"
    "</xmpMM:Pantry>",
    "ingredient as a node": f"<xmpMM:Pantry><rdf:Bag><rdf:li><rdf:Description>{FOREIGN}</rdf:Description></rdf:li>"
    "</rdf:Bag></xmpMM:Pantry>",
    "ingredient in attributes": f"<xmpMM:Pantry><rdf:Bag><rdf:li {FOREIGN_ATTRIBUTES}/></rdf:Bag></xmpMM:Pantry>",
    "source": f"<xmpMM:DerivedFrom rdf:parseType='Resource'>{FOREIGN}</xmpMM:DerivedFrom>",
    "source in attributes": f"<xmpMM:DerivedFrom {FOREIGN_ATTRIBUTES}/>",
    "history": f"<xmpMM:History><rdf:Seq><rdf:li stEvt:when='1999-01-01' {FOREIGN_ATTRIBUTES}/></rdf:Seq>"
    "</xmpMM:History>",
    "a whole packet inside": f"<other:copy>{packet(description(FOREIGN))}</other:copy>",
    "two levels": f"<other:a rdf:parseType='Resource'><other:b rdf:parseType='Resource'>{FOREIGN}</other:b></other:a>",
    "another namespace": FOREIGN.replace("exif:", "other:")
    .replace("photoshop:", "other:").replace("xmp:", "other:").replace("tiff:", "other:").replace("dc:", "other:"),
}  # fmt: skip


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_what_describes_another_thing_is_not_the_pictures(other):
    assert read(packet(description(other))) == Metadata()
    for descriptions in (
        [description(other + OWN)],
        [description(OWN + other)],
        [description(other), description(OWN)],
        [description(OWN), description(other)],
    ):
        assert read(packet(*descriptions)) == OWN_METADATA


def test_a_node_that_is_only_referred_to_is_not_the_picture():
    for name in ("nodeID", "ID"):
        node = f"<rdf:Description rdf:{name}='n'>{FOREIGN}</rdf:Description>"
        assert read(packet(node, description(OWN))) == OWN_METADATA


@pytest.mark.parametrize("root", ["x:xmpmeta", "x:xapmeta", None])
def test_all_of_the_pictures_descriptions_count_in_either_form(root):
    first = description(attributes='exif:GPSLatitude="48,30N" exif:GPSLongitude="11,30W" tiff:Model="Own"')
    second = description(
        "<dc:description>Own words</dc:description><dc:subject>own</dc:subject>",
        'photoshop:DateCreated="2015-05-05"',
    )
    assert read(packet(first, second, root=root)) == OWN_METADATA
    assert read(packet(second, first, root=root)) == OWN_METADATA


def alt(*items):
    languages = (f' xml:lang="{language}"' if language else "" for language, _ in items)
    texts = "".join(f"<rdf:li{name}>{text}</rdf:li>" for name, (_, text) in zip(languages, items, strict=True))
    return f"<rdf:Alt>{texts}</rdf:Alt>"


@pytest.mark.parametrize("name", ["dc:description", "dc:title"])
@pytest.mark.parametrize(
    ("value", "caption"),
    [
        (alt(("x-default", "Boat"), ("de", "Kahn")), "Boat"),
        (alt(("de", "Kahn"), ("x-default", "Boat")), "Boat"),
        (alt(("de", "Kahn"), ("fr", "Bateau"), ("X-Default", "Boat")), "Boat"),
        (alt(("de", "Kahn"), ("fr", "Bateau")), "Kahn"),
        (alt(("de", "Kahn"), ("x-default", " ")), "Kahn"),
        (alt(("", "Boat")), "Boat"),
        (alt(), None),
        ("<rdf:Bag><rdf:li>Boat</rdf:li></rdf:Bag>", "Boat"),
        ("<rdf:Description><rdf:value>Boat</rdf:value><other:by>x</other:by></rdf:Description>", "Boat"),
        ("<rdf:Alt><rdf:li><rdf:Description rdf:value='Boat' other:by='x'/></rdf:li></rdf:Alt>", "Boat"),
        ("<rdf:Description other:by='x'/>", None),
        ("Boat &amp; oar", "Boat & oar"),
        ("", None),
    ],
)
def test_a_translated_text(name, value, caption):
    assert read(packet(description(f"<{name}>{value}</{name}>"))).caption == caption


def test_keywords_and_values_with_qualifiers():
    bag = (
        "<rdf:Bag><rdf:li>boat</rdf:li><rdf:li rdf:parseType='Resource'><rdf:value>sea</rdf:value><other:by/></rdf:li>"
        "</rdf:Bag>"
    )
    assert read(packet(description(f"<dc:subject>{bag}</dc:subject>"))).keywords == ("boat", "sea")
    model = "<tiff:Model rdf:parseType='Resource'><rdf:value>Own</rdf:value></tiff:Model>"
    assert read(packet(description(model))).camera == "Own"
