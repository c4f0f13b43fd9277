"""Metadata made for taking too much when it is parsed, in every format; and that what is ordinary stays."""

import io
import struct
import subprocess
import sys
import zlib
from contextlib import suppress
from datetime import datetime
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from indexer.errors import PictureError
from indexer.pictures.edited_file import EditedFile, replace_bytes
from indexer.pictures.images import open_picture, reading_pictures
from indexer.pictures.trim import trim_metadata

MEASURED = """
import io, resource, sys, time
from PIL import Image
from indexer.errors import PictureError
from indexer.pictures.images import open_picture, reading_pictures
def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
with reading_pictures():
    first = io.BytesIO()
    Image.new("RGB", (64, 64)).save(first, "PNG")
    open_picture(first, min_side=1)
    base, started = peak_bytes(), time.process_time()
    try:
        with open(sys.argv[1], "rb") as file:
            picture = open_picture(file, min_side=64)
        result = f"{picture.width}x{picture.height}"
    except PictureError as error:
        result = f"refused: {error}"
    print(peak_bytes() - base, time.process_time() - started, result)
"""
N = 12_000_000  # rationals, 96 MB
RATIONAL, LONG, SHORT, ASCII, BYTE, UNDEFINED = 5, 4, 3, 2, 1, 7
UNITS = {RATIONAL: 8, LONG: 4, SHORT: 2, ASCII: 1, BYTE: 1, UNDEFINED: 1}
ORIENTATION, DESCRIPTION, TIME, EXIF, GPS, INTEROP, PRIVATE = 0x112, 0x10E, 0x9003, 0x8769, 0x8825, 0xA005, 0x9999


@pytest.fixture(autouse=True)
def _during_a_run():
    with reading_pictures():
        yield


def write(path, *parts):
    """Bytes, and holes of so many zeros."""
    with path.open("wb") as file:
        for part in parts:
            if isinstance(part, int):
                file.seek(part, io.SEEK_CUR)
            else:
                file.write(part)
        file.truncate()
    return path


def measure(path):
    """The result, after checking what it took."""
    done = subprocess.run([sys.executable, "-c", MEASURED, path], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    peak, seconds, result = done.stdout.strip().split(" ", 2)
    assert int(peak) <= 600_000_000
    assert float(seconds) <= 4
    return result


def directory(order, entries, is_big=False):
    head, entry, end = ("Q", "HHQQ", bytes(8)) if is_big else ("H", "HHII", bytes(4))
    packed = b"".join(
        struct.pack(order + "HHIHH", tag, kind, count, value, 0)
        if kind == SHORT and count == 1 and not is_big
        else struct.pack(order + entry, tag, kind, count, value)
        for tag, kind, count, value in sorted(entries)
    )
    return struct.pack(order + head, len(entries)) + packed + end


def tiff(path, entries, hole=0, order="<", compression=1, is_big=False, before=b""):
    """A picture of 64 × 64 pixels with more entries, whose values lie in a hole; a directory may stand before it.

    The value None of an entry: the hole; "before": that directory.
    """
    pixels = bytes(4096) if compression == 1 else zlib.compress(bytes(4096)).ljust(64, b"\0")
    start = 16
    places = {"before": start + len(pixels), None: start + len(pixels) + len(before)}
    own = [(256, LONG, 1, 64), (257, LONG, 1, 64), (258, SHORT, 1, 8), (259, SHORT, 1, compression)]
    own += [(262, SHORT, 1, 1), (273, LONG, 1, start), (277, SHORT, 1, 1), (278, LONG, 1, 64)]
    own += [(279, LONG, 1, len(pixels))]
    own += [(tag, kind, count, places.get(value, value)) for tag, kind, count, value in entries]
    end = places[None] + hole
    mark = b"II" if order == "<" else b"MM"
    header = mark + (struct.pack(order + "HHHQ", 43, 8, 0, end) if is_big else struct.pack(order + "HI", 42, end))
    return write(path, header.ljust(16, b"\0"), pixels, before, hole, directory(order, own, is_big))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize(
    ("tag", "kind"),
    [(PRIVATE, RATIONAL), (PRIVATE, SHORT), (ORIENTATION, SHORT), (DESCRIPTION, ASCII), (33723, LONG), (34377, BYTE),
     (37724, UNDEFINED), (700, BYTE), (34675, UNDEFINED), (339, SHORT), (EXIF, LONG)],
)  # fmt: skip
def test_a_tiff_is_read_without_a_tag_that_is_too_large(tmp_path, tag, kind, compression, order):
    count = 8 * N // UNITS[kind]
    path = tiff(tmp_path / "a.tif", [(tag, kind, count, None)], 8 * N, order, compression)
    assert measure(path) == "64x64"


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("pointer", [EXIF, GPS])
@pytest.mark.parametrize("tag", [2, TIME, PRIVATE])
def test_a_tag_that_is_too_large_inside_exif(tmp_path, tag, pointer, order):
    inner = directory(order, [(tag, RATIONAL, N, 16)])
    path = tiff(tmp_path / "a.tif", [(pointer, LONG, 1, "before")], 8 * N, order, before=inner)
    assert measure(path) == "64x64"


@pytest.mark.parametrize("compression", [1, 8])
def test_many_tags_that_share_their_bytes(tmp_path, compression):
    entries = [(tag, RATIONAL, 100_000, None) for tag in range(1000, 60_000) if tag not in (EXIF, GPS, INTEROP)]
    assert measure(tiff(tmp_path / "a.tif", entries, 800_000, compression=compression)) == "64x64"


def test_a_directory_that_points_to_itself(tmp_path):
    inner = directory("<", [(INTEROP, LONG, 1, 16 + 4096), (EXIF, LONG, 1, 16 + 4096)])
    entries = [(EXIF, LONG, 1, "before"), (GPS, LONG, 1, "before"), (INTEROP, LONG, 1, "before")]
    assert measure(tiff(tmp_path / "a.tif", entries, before=inner)) == "64x64"


def test_a_bigtiff(tmp_path):
    path = tiff(tmp_path / "a.tif", [(PRIVATE, RATIONAL, N, None)], 8 * N, is_big=True)
    assert measure(path) == "64x64"
    end = 16 + 4096
    header = b"II" + struct.pack("<HHHQ", 43, 8, 0, end)
    write(path, header, 4096, struct.pack("<Q", 1 << 40), struct.pack("<HHQQ", 1, 16, 1, 0) * 1_000_000)
    assert measure(path) == "refused: 1099511627776 tags are over the limit of 65535"


def strips(path, n, order="<", tags=(273, 279)):
    table = 4 * n
    entries = [(256, LONG, 1, 1), (257, LONG, 1, n), (258, SHORT, 1, 8), (259, SHORT, 1, 1), (262, SHORT, 1, 1)]
    entries += [(277, SHORT, 1, 1), (tags[0], LONG, n, 16), (tags[1], LONG, n, 16 + table)]
    entries += [(278, LONG, 1, 1)] if tags[0] == 273 else [(322, SHORT, 1, 16), (323, SHORT, 1, 16)]
    mark = b"II" if order == "<" else b"MM"
    header = mark + struct.pack(order + "HI", 42, 16 + 2 * table)
    return write(path, header.ljust(16, b"\0"), 2 * table, directory(order, entries))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("tags", [(273, 279), (324, 325)])
@pytest.mark.parametrize("n", [300_000, 3_000_000, 10_000_000])
def test_a_tiff_of_too_many_strips_or_tiles_is_refused_with_the_reason(tmp_path, n, tags, order):
    path = strips(tmp_path / "a.tif", n, order, tags)
    assert measure(path) == f"refused: {n} strips or tiles are over the limit of 250000"


def test_a_tiff_of_many_strips_is_read(tmp_path):
    assert measure(strips(tmp_path / "a.tif", 250_000)) == "1x250000"


def exif_block(tag, kind, count, order="<"):
    """A header and one directory; its value follows."""
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(order + "HI", 42, 8) + directory(order, [(tag, kind, count, 26)])


def webp(path, kind, head, n_bytes):
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, "WEBP")
    sides = (63).to_bytes(3, "little") + (47).to_bytes(3, "little")
    flags = {b"ICCP": 0x20, b"EXIF": 8, b"XMP ": 4}.get(kind, 0)
    extended = b"VP8X" + struct.pack("<IB3x", 10, flags) + sides
    chunk = kind + struct.pack("<I", len(head) + n_bytes) + head
    image = file.getvalue()[12:]
    parts = [extended, chunk, n_bytes, image] if kind == b"ICCP" else [extended, image, chunk, n_bytes]
    size = 4 + sum(part if isinstance(part, int) else len(part) for part in parts)
    return write(path, b"RIFF" + struct.pack("<I", size) + b"WEBP", *parts)


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        (b"EXIF", exif_block(PRIVATE, RATIONAL, N)),
        (b"EXIF", exif_block(PRIVATE, SHORT, 4 * N)),
        (b"EXIF", exif_block(ORIENTATION, RATIONAL, N)),
        (b"EXIF", exif_block(PRIVATE, RATIONAL, N, ">")),
        (b"XMP ", b"<x>"),
        (b"ICCP", b""),
        (b"JUNK", b""),
    ],
)
def test_a_webp_is_read_without_a_chunk_that_is_too_large(tmp_path, kind, head):
    assert measure(webp(tmp_path / "a.webp", kind, head, 8 * N)) == "64x48"


def test_what_follows_a_webp_is_not_read(tmp_path):
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, "WEBP")
    assert measure(write(tmp_path / "a.webp", file.getvalue(), 400_000_000)) == "64x48"


@pytest.mark.parametrize("format_", ["AVIF", "HEIF"])
@pytest.mark.parametrize("kind", ["exif", "orientation", "xmp"])
def test_an_avif_or_heif_is_read_without_an_item_that_is_too_large(tmp_path, kind, format_):
    if format_ == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    path = tmp_path / f"a.{format_.lower()}"
    if kind == "xmp":
        Image.new("RGB", (64, 48)).save(path, format_, xmp=b"<x>" + b"<a/>" * 10_000_000)
    else:
        Image.new("RGB", (64, 48)).save(
            path, format_, exif=b"Exif\0\0" + exif_block(PRIVATE, RATIONAL, N) + bytes(8 * N)
        )
    if kind == "orientation":
        tags = [struct.pack("<HHI", tag, RATIONAL, N) for tag in (PRIVATE, ORIENTATION)]
        content = path.read_bytes()
        assert tags[0] in content
        path.write_bytes(content.replace(*tags))
    assert measure(path) == "64x48"


@pytest.mark.parametrize("format_", ["AVIF", "HEIF"])
def test_an_avif_or_heif_whose_profile_is_too_large_is_refused_with_the_reason(tmp_path, format_):
    if format_ == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    path = tmp_path / "a"
    Image.new("RGB", (64, 48)).save(path, format_, icc_profile=bytes(100_000_000))
    assert measure(path) == "refused: the description of the picture takes 100 MB"


@pytest.mark.parametrize(
    "head",
    [b"\xff\xe1\xff\xffExif\0\0" + exif_block(PRIVATE, RATIONAL, 8000), b"\xff\xe2\xff\xffICC_PROFILE\0\x01\xff",
     b"\xff\xed\xff\xffPhotoshop 3.0\0", b"\xff\xfe\xff\xff", b"\xff\xe1\xff\xffhttp://ns.adobe.com/xap/1.0/\0",
     b"\xff\xee\xff\xff"],
)  # fmt: skip
def test_a_jpeg_is_read_without_the_segments_after_the_first_megabytes(tmp_path, head):
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, "JPEG")
    content = file.getvalue()
    segments = [head, 65_537 - len(head)] * 3500
    assert measure(write(tmp_path / "a.jpg", content[:2], *segments, content[2:])) == "64x48"


def chunk(kind, head, n_bytes):
    """Of zeros, with the checksum they have."""
    crc = zlib.crc32(kind + head)
    for n in [1 << 20] * (n_bytes >> 20) + [n_bytes & (1 << 20) - 1]:
        crc = zlib.crc32(bytes(n), crc)
    return [struct.pack(">I", len(head) + n_bytes) + kind + head, n_bytes, struct.pack(">I", crc)]


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize(
    ("kind", "head", "n_bytes", "n_chunks"),
    [(b"eXIf", exif_block(PRIVATE, RATIONAL, N), 8 * N, 1), (b"tEXt", b"a\0", 900_000, 250),
     (b"abCd", b"", 900_000, 250), (b"eXIf", exif_block(PRIVATE, RATIONAL, 100_000), 800_000, 250)],
)  # fmt: skip
def test_a_png_is_read_without_chunks_that_are_too_large(tmp_path, kind, head, n_bytes, n_chunks, is_late):
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, "PNG")
    content = file.getvalue()
    at = len(content) - 12 if is_late else 33
    path = write(tmp_path / "a.png", content[:at], *chunk(kind, head, n_bytes) * n_chunks, content[at:])
    assert measure(path) == "64x48"


@pytest.mark.parametrize("extension", [b"!\xfe" + (b"\xff" + b"a" * 255) * 500_000 + b"\0", b"!\xfe\1a\0" * 20_000_000])
def test_a_gif_whose_comments_are_too_large_is_refused_with_the_reason(tmp_path, extension):
    file = io.BytesIO()
    Image.new("L", (64, 48)).save(file, "GIF")
    content = file.getvalue()
    at = content.index(b",")
    path = write(tmp_path / "a.gif", content[:at], extension, content[at:])
    assert measure(path) == "refused: more than 2 MB would have to be read to open it"


def test_a_png_is_not_decoded_for_its_metadata(tmp_path):
    """Nor with large metadata behind its pixels, which it would take to read them."""
    side = 15_000
    pack, row = zlib.compressobj(1), bytes(1 + 3 * side)
    data = b"".join([pack.compress(row) for _ in range(side)]) + pack.flush()
    parts = [b"\x89PNG\r\n\x1a\n"]
    text = b"Description\0Behind the pixels"
    for kind, content in (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)), (b"IDAT", data), (b"tEXt", text), (b"IEND", b""),
    ):  # fmt: skip
        parts.append(struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content)))
    path = write(tmp_path / "a.png", *parts)
    done = subprocess.run([sys.executable, "-c", MEASURED, path], capture_output=True, text=True, timeout=120)
    peak, _, result = done.stdout.strip().split(" ", 2)
    assert result == f"{side}x{side}"
    assert int(peak) <= 600_000_000


def full_exif():
    exif = Image.Exif()
    exif[DESCRIPTION], exif[ORIENTATION] = "A red boat", 6
    exif[EXIF], exif[GPS] = {TIME: "2019:05:06 07:08:09"}, {1: "S", 2: (33.0, 30.0, 0.0), 3: "E", 4: (151.0, 0.0, 0.0)}
    return exif


@pytest.mark.parametrize(
    "format_", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", *(["HEIF"] if find_spec("pillow_heif") else [])]
)
def test_ordinary_files_are_read_as_they_are(format_):
    if format_ == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, format_, exif=full_exif().tobytes())
    assert trim_metadata(file) is file
    picture = open_picture(file, min_side=1)
    assert (picture.width, picture.height) == (48, 64)
    found = picture.metadata
    assert (found.caption, found.taken_at) == ("A red boat", datetime(2019, 5, 6, 7, 8, 9))
    assert (found.latitude, found.longitude) == (-33.5, 151)


def add_layers(content, n_bytes):
    """The TIFF with the tag of a paint program at the end of a new directory."""
    order = "<" if content.startswith(b"II") else ">"
    content += b"\0" * (len(content) % 2)
    (start,) = struct.unpack_from(order + "I", content, 4)
    (n_tags,) = struct.unpack_from(order + "H", content, start)
    entries = content[start + 2 : start + 2 + 12 * n_tags]
    entries += struct.pack(order + "HHII", 37724, UNDEFINED, n_bytes, len(content))
    header = content[:4] + struct.pack(order + "I", len(content) + n_bytes)
    return header + content[8:] + bytes(n_bytes) + struct.pack(order + "H", n_tags + 1) + entries + bytes(4)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_the_rest_of_a_tiff_stays_when_a_tag_is_left_out(mode, compression):
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, len(Image.new(mode, (1, 1)).getbands())), np.uint8)
    bands = [Image.fromarray(pixels[..., i]) for i in range(pixels.shape[2])]
    image = Image.merge(mode, bands)
    results = []
    for n_bytes in (10, 3_000_000):  # of the layers that a paint program keeps
        file = io.BytesIO()
        image.save(file, "TIFF", compression=compression, tiffinfo={DESCRIPTION: "A red boat", ORIENTATION: 6})
        file = io.BytesIO(add_layers(file.getvalue(), n_bytes))
        assert isinstance(trim_metadata(file), EditedFile) == (n_bytes > 10)
        results.append(open_picture(file, min_side=1))
    assert results[0].image.tobytes() == results[1].image.tobytes()
    assert (results[0].metadata, results[0].width) == (results[1].metadata, results[1].width)
    assert results[0].metadata.caption == "A red boat"


def test_metadata_behind_the_pixels_of_a_png():
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, "PNG", exif=full_exif())
    content = file.getvalue()
    at = content.index(b"eXIf") - 4
    end = at + 12 + int.from_bytes(content[at : at + 4], "big")
    late = io.BytesIO(content[:at] + content[end:-12] + content[at:end] + content[-12:])
    first, second = open_picture(file, min_side=1), open_picture(late, min_side=1)
    assert first.metadata == second.metadata
    assert first.image.tobytes() == second.image.tobytes()
    assert second.metadata.caption == "A red boat"


def test_a_damaged_table_of_items_is_no_reason_to_refuse():
    file = io.BytesIO()
    Image.new("RGB", (64, 48)).save(file, "AVIF", exif=full_exif())
    content = file.getvalue()
    start = content.index(b"meta")
    for at in range(start, content.index(b"mdat"), 3):
        damaged = io.BytesIO(content[:at] + b"\xff" + content[at + 1 :])
        with suppress(PictureError):
            trim_metadata(damaged)


def test_an_edited_file_reads_like_its_parts_put_together():
    content = bytes(range(256)) * 100
    parts = [
        (0, 100),
        b"abc",
        (90, 20_000),
        (20_000, 20_000),
        b"",
        *replace_bytes({21_000: b"xy", 20_500: b"z"}, 20_100, 25_600),
    ]
    expected = b"".join(part if isinstance(part, bytes) else content[part[0] : part[1]] for part in parts)
    file = EditedFile(io.BytesIO(content), parts)
    assert file.read() == expected
    assert file.seek(0, io.SEEK_END) == len(expected)
    generator = np.random.default_rng(0)
    for place, n_bytes in zip(
        generator.integers(0, len(expected) + 50, 200), generator.integers(0, 9000, 200), strict=True
    ):
        file.seek(place)
        assert file.read(n_bytes) == expected[place : place + n_bytes]
        assert file.tell() == place + len(expected[place : place + n_bytes])
