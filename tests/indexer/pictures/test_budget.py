"""Memory and time that one file may take, and the files made for taking too much."""

import io
import struct
import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from PIL import Image

from indexer.errors import PictureError
from indexer.pictures.budget import Memory, TimedFile
from indexer.pictures.images import open_picture, reading_pictures

SIDE = 15_800  # squared just under the limit of 250 megapixels
LIMITED = """
import io, resource, sys
from PIL import Image
from indexer.errors import PictureError
from indexer.pictures.images import open_picture, reading_pictures
with reading_pictures():
    first = io.BytesIO()
    Image.new("RGB", (64, 64)).save(first, "PNG")
    open_picture(first, min_side=1)
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    base = int(status["VmSize"].split()[0]) * 1024
    resource.setrlimit(resource.RLIMIT_AS, (base + 600_000_000,) * 2)
    try:
        with open(sys.argv[1], "rb") as file:
            picture = open_picture(file, min_side=448)
        print(picture.width, picture.height, min(picture.image.size) >= 448, *picture.image.getpixel((9, 9)))
    except PictureError as error:
        print("refused:", error)
"""


@pytest.fixture(autouse=True)
def _during_a_run():
    with reading_pictures():
        yield


def png(path, mode, size=(SIDE, SIDE), interlaced=0):
    """A PNG of zeros, written without ever holding it."""
    depth, kind, n_bits = {
        "1": (1, 0, 1), "L": (8, 0, 8), "P": (8, 3, 8), "I;16": (16, 0, 16), "LA": (8, 4, 16), "RGB": (8, 2, 24),
        "RGBA": (8, 6, 32), "RGB16": (16, 2, 48),
    }[mode]  # fmt: skip
    pack, row = zlib.compressobj(1), bytes(1 + (size[0] * n_bits + 7) // 8)
    data = b"".join([pack.compress(row) for _ in range(size[1])]) + pack.flush()
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, interlaced))]
    chunks += [(b"PLTE", bytes(range(9, 15))), (b"tRNS", b"\x80\xff")] if mode == "P" else []
    chunks += [(b"IDAT", data), (b"IEND", b"")]
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    )


def sparse(path, format_, mode, **options):
    """A file of one row, its header changed to that of a square, the rest a hole."""
    image = Image.new(mode, (SIDE, 1))
    if format_ == "BMP":
        image.save(path, format_)
        with path.open("r+b") as file:
            file.seek(22)
            file.write(struct.pack("<i", SIDE))
            file.truncate(SIDE * (SIDE * 4 + 4))
    else:
        image.save(path, format_, **options)
        with Image.open(path) as opened:
            tags = opened.tag_v2
        n_bytes = tags[279][0]
        content = bytearray(path.read_bytes())
        directory = struct.unpack_from("<I", content, 4)[0]
        for i in range(struct.unpack_from("<H", content, directory)[0]):
            at = directory + 2 + 12 * i
            tag = struct.unpack_from("<H", content, at)[0]
            if tag in (257, 278, 279):
                struct.pack_into("<HII", content, at + 2, 4, 1, SIDE * (n_bytes if tag == 279 else 1))
        path.write_bytes(content)
        with path.open("r+b") as file:
            file.truncate(len(content) + SIDE * n_bytes)


def limited(path):
    done = subprocess.run([sys.executable, "-c", LIMITED, path], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["1", "P", "I;16", "LA", "RGBA", "RGB16"])
def test_a_png_at_the_pixel_limit_is_read_in_600_mb(tmp_path, mode):
    png(tmp_path / "a.png", mode)
    colour = {"P": "132 132 133", "LA": "255 255 255", "RGBA": "255 255 255"}
    assert limited(tmp_path / "a.png") == f"{SIDE} {SIDE} True {colour.get(mode, '0 0 0')}"


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_a_bmp_at_the_pixel_limit_is_read_in_600_mb(tmp_path, mode):
    sparse(tmp_path / "a.bmp", "BMP", mode)
    assert limited(tmp_path / "a.bmp").startswith(f"{SIDE} {SIDE} True")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["L", "I;16", "I", "F", "RGB", "CMYK"])
def test_a_tiff_in_one_strip_at_the_pixel_limit_is_read_in_600_mb(tmp_path, mode):
    sparse(tmp_path / "a.tif", "TIFF", mode)
    assert limited(tmp_path / "a.tif").startswith(f"{SIDE} {SIDE} True")


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["RGBA", "I;16", "F"])
def test_a_compressed_tiff_at_the_pixel_limit_is_read_in_600_mb(tmp_path, mode):
    Image.new(mode, (SIDE, SIDE)).save(tmp_path / "a.tif", compression="tiff_adobe_deflate")
    assert limited(tmp_path / "a.tif").startswith(f"{SIDE} {SIDE} True")


@pytest.mark.slow
def test_a_gif_that_is_disposed_of_is_read_in_600_mb(tmp_path):
    Image.new("P", (SIDE, SIDE)).save(tmp_path / "a.gif", disposal=2, transparency=0)
    assert limited(tmp_path / "a.gif").startswith(f"{SIDE} {SIDE} True")


def test_a_gif_or_webp_is_refused_before_its_canvas_takes_memory(tmp_path):
    gif = io.BytesIO()
    Image.new("P", (1, 1)).save(gif, "GIF", disposal=2, transparency=0)
    content = bytearray(gif.getvalue())
    at = content.index(b",") + 5
    content[at : at + 4] = struct.pack("<HH", 60_000, 60_000)
    (tmp_path / "a.gif").write_bytes(content)
    assert limited(tmp_path / "a.gif") == "refused: 60000×60000 pixels are over the limit of 250 megapixels"
    webp = io.BytesIO()
    Image.new("RGBA", (16, 16)).save(webp, "WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0")
    content = bytearray(webp.getvalue())
    content[24:30] = (14_999).to_bytes(3, "little") * 2
    (tmp_path / "a.webp").write_bytes(content)
    assert limited(tmp_path / "a.webp").startswith("refused: 15000×15000 pixels of this kind take 2700 MB")


@pytest.mark.parametrize("kind", ["interlaced.png", "progressive.jpg", "one-strip.tif"])
def test_what_can_only_be_decoded_whole_is_refused_with_the_reason(tmp_path, kind):
    path = tmp_path / kind
    if kind == "interlaced.png":
        png(path, "RGB", interlaced=1)
    elif kind == "progressive.jpg":
        Image.new("RGB", (11_000, 10_500)).save(path, progressive=True, subsampling=0)
    else:
        Image.new("RGB", (13_000, 13_000)).save(path, compression="tiff_lzw", tiffinfo={278: 13_000})
    assert " pixels of this kind take " in limited(path)


@pytest.mark.parametrize("format_", ["TIFF", "WEBP"])
def test_a_packet_of_xmp_that_would_fill_the_memory_is_left_out(tmp_path, format_):
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b"<r:Description>" + b"<a/>" * 2_000_000 + b"</r:Description></r:RDF></x:xmpmeta>"
    )
    options = {"tiffinfo": {700: packet}} if format_ == "TIFF" else {"xmp": packet}
    Image.new("RGB", (64, 48), "white").save(tmp_path / "a", format_, **options)
    started = time.process_time()
    assert limited(tmp_path / "a") == "64 48 False 255 255 255"
    with (tmp_path / "a").open("rb") as file:
        assert open_picture(file, min_side=1).metadata.caption is None
    assert time.process_time() - started < 0.5


def scans(n_scans, side):
    """A progressive JPEG whose last scan comes so many times."""
    file = io.BytesIO()
    Image.new("L", (side, side), 99).save(file, "JPEG", progressive=True)
    content = file.getvalue()
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * n_scans + b"\xff\xd9"


@pytest.mark.parametrize("between", [b"", b"\xff\xfe\0\x08\xff\xd9\xff\xda\0\0", b"\xff\xff"])
def test_a_jpeg_of_many_scans_is_refused_before_it_is_decoded(between):
    content = scans(600, 2048).replace(b"\xff\xda", between + b"\xff\xda")
    started = time.process_time()
    with pytest.raises(PictureError, match="takes too long to decode"):
        open_picture(io.BytesIO(content), min_side=448)
    assert time.process_time() - started < 0.5


def test_a_small_jpeg_may_have_many_scans_and_a_large_one_a_few():
    assert open_picture(io.BytesIO(scans(300, 100)), min_side=1).width == 100
    assert open_picture(io.BytesIO(scans(8, 4000)), min_side=448).width == 4000


def test_a_file_is_not_read_for_ever():
    file = TimedFile(io.BytesIO(bytes(1000)), max_seconds=0.05)
    with pytest.raises(PictureError, match="takes too long to decode"):
        _read_again_and_again(file)


def _read_again_and_again(file):
    while True:
        file.read(10)
        file.seek(0)


def test_opening_does_not_read_a_whole_large_file():
    file = TimedFile(io.BytesIO(bytes(1000)), opening_bytes=100)
    assert len(file.read(100)) == 100
    with pytest.raises(PictureError, match="would have to be read"):
        file.read()


def test_pictures_share_the_memory_and_a_large_one_is_not_passed_over():
    memory, order = Memory(300_000_000), []
    first_is_in, may_go = Event(), Event()

    def hold(name, n_bytes, ready=None, wait=None):
        with memory.reserve(n_bytes):
            order.append(name)
            if ready is not None:
                ready.set()
            if wait is not None:
                assert wait.wait(20)

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(hold, "first", 200_000_000, first_is_in, may_go)
        assert first_is_in.wait(20)
        large = pool.submit(hold, "large", 300_000_000)
        small = pool.submit(hold, "small", 1_000_000)
        small.result(20)
        assert not large.done()
        may_go.set()
        first.result(20)
        large.result(20)
    assert order == ["first", "small", "large"]
