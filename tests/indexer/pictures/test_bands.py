"""A picture decoded in bands is the picture decoded whole."""

import io
import struct
import zlib
from contextlib import suppress
from functools import partial

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from indexer.errors import PictureError
from indexer.pictures import colour, png, tiff
from indexer.pictures.colour import reduce_to_rgb, split_bands
from indexer.pictures.images import open_picture, reading_pictures

SIZE = (1500, 733)  # several bands of both kinds
MODES = ["1", "L", "P", "PA", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"]
# What Pillow can write: mode, compression and rows of a strip. One compressed strip (2000 rows) cannot be cut.
TIFFS = [
    *((mode, None, n_rows) for mode in MODES for n_rows in (16, 2000)),
    *((mode, compression, 16) for mode in MODES for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits")),
    *((mode, "jpeg", 16) for mode in ("L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB")),
    ("1", "group4", 16),
]


@pytest.fixture(autouse=True)
def _during_a_run():
    with reading_pictures():
        yield


def random_png(depth, colour_type):
    """Every filter, every value."""
    rng = np.random.default_rng(depth * 10 + colour_type)
    width, height = SIZE[0] * 8 // min(8, depth), SIZE[1]
    rows = rng.integers(0, 256, (height, 1 + (width * png.CHANNELS[colour_type] * depth + 7) // 8), dtype=np.uint8)
    rows[:, 0] = rng.integers(0, 5, height)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))]
    if colour_type == 3:
        chunks.append((b"PLTE", rng.bytes(3 << depth)))
        chunks.append((b"tRNS", rng.bytes(1 << depth)))
    data = zlib.compress(rows.tobytes(), 1)
    chunks += [(b"IDAT", data[i : i + 99_999]) for i in range(0, len(data), 99_999)] + [(b"IEND", b"")]
    return png.SIGNATURE + b"".join(
        struct.pack(">I", len(d)) + kind + d + struct.pack(">I", zlib.crc32(kind + d)) for kind, d in chunks
    )


def assert_same(content, bands):
    for factor in (1, 3, 8):
        image, whole = Image.open(io.BytesIO(content)), Image.open(io.BytesIO(content))
        whole.load()
        expected = reduce_to_rgb(lambda whole=whole: [whole], whole.size, factor)
        assert len(list(bands(image))) > 1
        assert np.array_equal(reduce_to_rgb(partial(bands, image), image.size, factor), expected)
        assert np.array_equal(reduce_to_rgb(partial(split_bands, whole), whole.size, factor), expected)


@pytest.mark.parametrize(
    ("colour_type", "depth"),
    [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16), (6, 8),
     (6, 16)],
)  # fmt: skip
def test_a_png_of_any_kind(colour_type, depth):
    assert_same(random_png(depth, colour_type), png.decode_bands)


@pytest.mark.parametrize(("mode", "compression", "n_rows"), TIFFS)
def test_a_tiff_of_any_kind(mode, compression, n_rows):
    rng = np.random.default_rng(0)
    if mode in ("I;16", "I", "F"):
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        image = Image.fromarray((rng.random(SIZE[::-1]) * 60_000).astype(kind))
    else:
        image = Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)).resize(SIZE)
        image = image.quantize(40).convert(mode) if mode in ("P", "PA") else image.convert(
            mode if mode != "LAB" else "RGB")  # fmt: skip
        if mode == "LAB":
            image = Image.frombytes("LAB", SIZE, image.tobytes())
    file = io.BytesIO()
    image.save(file, "TIFF", compression=compression, tiffinfo={278: n_rows})
    assert_same(file.getvalue(), tiff.decode_bands)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_large_tiff_comes_out_upright(orientation, tmp_path):
    width, height = 13_000, 9_000
    image = Image.new("L", (width, height))
    image.paste(255, (0, 0, 2000, 1000))
    image.convert("RGB").save(tmp_path / "a.tif", compression="packbits", tiffinfo={274: orientation, 278: 64})
    with (tmp_path / "a.tif").open("rb") as file:
        picture = open_picture(file, min_side=448)
    corner = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}[orientation]
    expected = (width, height) if orientation < 5 else (height, width)
    assert (picture.width, picture.height) == expected
    assert (picture.image.width > picture.image.height) == (orientation < 5)
    last = picture.image.width - 1, picture.image.height - 1
    assert picture.image.getpixel((corner[0] * last[0], corner[1] * last[1])) == (255, 255, 255)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kind", ["zTXt", "iTXt", "tEXt", "iCCP", "many", "private"])
def test_large_texts_and_profiles_do_not_hide_the_picture(kind, after):
    info, large = PngImagePlugin.PngInfo(), b"word " * 400_000
    packed = zlib.compress(large)
    chunk = {
        "zTXt": (b"zTXt", b"a\0\0" + packed), "iTXt": (b"iTXt", b"a\0\1\0en\0a\0" + packed),
        "tEXt": (b"tEXt", b"a\0" + large * 40), "iCCP": (b"iCCP", b"icc\0\0" + packed),
        "private": (b"prVt", large), "many": (b"zTXt", b"a\0\0" + zlib.compress(bytes(900_000))),
    }[kind]  # fmt: skip
    info.add_text("Title", "kept")
    for _ in range(90 if kind == "many" else 1):
        info.add(*chunk, after and kind not in ("iCCP", "many"))
    file = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(file, "PNG", pnginfo=info)
    picture = open_picture(file, min_side=1)
    assert picture.image.getpixel((29, 19)) == (255, 0, 0)
    assert picture.metadata.caption == "kept"


def test_a_picture_cut_short_is_refused_in_bands_too():
    content = random_png(8, 2)
    image = Image.open(io.BytesIO(content[: len(content) // 2]))
    with pytest.raises(OSError, match="truncated"):
        list(png.decode_bands(image))


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
def test_damaged_tiffs_write_nothing_to_standard_error(compression, capfd):
    file = io.BytesIO()
    Image.effect_noise((200, 200), 90).convert("RGB").save(file, "TIFF", compression=compression)
    rng = np.random.default_rng(0)
    for _ in range(60):
        content = bytearray(file.getvalue())
        for place in rng.integers(8, len(content), 40):
            content[place] = rng.integers(0, 256)
        with suppress(PictureError):
            open_picture(io.BytesIO(content), min_side=1, max_pixels=10_000_000)
    assert capfd.readouterr() == ("", "")


def test_bands_are_small():
    assert colour.BAND_PIXELS * 4 * 8 < 20_000_000
