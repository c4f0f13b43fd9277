"""Raw files, made by hand: a small sensor picture with a smaller preview beside it."""

import io
import struct

import pytest
from PIL import Image

from indexer.pictures.images import open_picture

pytest.importorskip("rawpy")

BYTE, TEXT, SHORT, LONG = 1, 2, 3, 4  # TIFF's types
FORMATS = {BYTE: "B", TEXT: "B", SHORT: "H", LONG: "I"}


def directory(tags, at):
    """A TIFF directory that will lie at this offset. tags: number: (type, values)."""
    content, values_at, more = struct.pack("<H", len(tags)), at + 2 + 12 * len(tags) + 4, b""
    for tag, (type_, values) in sorted(tags.items()):
        data = struct.pack(f"<{len(values)}{FORMATS[type_]}", *values)
        if len(data) > 4:
            where, more = struct.pack("<I", values_at + len(more)), more + data + b"\0" * (len(data) % 2)
            data = where
        content += struct.pack("<HHI", tag, type_, len(values)) + data.ljust(4, b"\0")
    return content + bytes(4) + more


def dng(width, height, orientation, preview):
    """A DNG file. preview: a JPEG's size, or None."""
    jpeg = io.BytesIO()
    Image.new("RGB", preview or (2, 2), "red").save(jpeg, "JPEG")
    sensor = struct.pack("<H", 1000) * (width * height)
    content = b"II*\0" + bytes(4) + sensor + jpeg.getvalue() + b"\0" * (jpeg.tell() % 2)
    about_sensor = {
        254: (LONG, [0]), 256: (LONG, [width]), 257: (LONG, [height]), 258: (SHORT, [16]), 259: (SHORT, [1]),
        262: (SHORT, [32803]), 273: (LONG, [8]), 277: (SHORT, [1]), 278: (LONG, [height]), 279: (LONG, [len(sensor)]),
        33421: (SHORT, [2, 2]), 33422: (BYTE, [0, 1, 1, 2]),
    }  # fmt: skip
    about_camera = {
        271: (TEXT, b"Acme\0"), 272: (TEXT, b"One\0"), 274: (SHORT, [orientation]), 50706: (BYTE, [1, 4, 0, 0]),
        50708: (TEXT, b"Acme One\0"),
    }  # fmt: skip
    if preview is None:
        main, main_at = directory(about_sensor | about_camera, len(content)), len(content)
    else:
        sub, main_at = directory(about_sensor, len(content)), len(content)
        content, main_at = content + sub, main_at + len(sub)
        about_preview = {
            254: (LONG, [1]), 256: (LONG, [preview[0]]), 257: (LONG, [preview[1]]), 258: (SHORT, [8, 8, 8]),
            259: (SHORT, [7]), 262: (SHORT, [6]), 273: (LONG, [8 + len(sensor)]), 277: (SHORT, [3]),
            278: (LONG, [preview[1]]), 279: (LONG, [jpeg.tell()]), 330: (LONG, [main_at - len(sub)]),
        }  # fmt: skip
        main = directory(about_preview | about_camera, main_at)
    return content[:4] + struct.pack("<I", main_at) + content[8:] + main


@pytest.mark.parametrize(("orientation", "size"), [(1, (96, 64)), (3, (96, 64)), (6, (64, 96)), (8, (64, 96))])
@pytest.mark.parametrize("preview", [(48, 32), (32, 24), (40, 40), None])
def test_a_raw_file_has_the_size_of_its_sensor_picture(tmp_path, orientation, size, preview):
    (tmp_path / "a.dng").write_bytes(dng(96, 64, orientation, preview))
    with (tmp_path / "a.dng").open("rb") as file:
        got = open_picture(file, min_side=100)
    assert (got.width, got.height) == size
    shown = preview or (48, 32)
    assert got.image.size == (shown if orientation in (1, 3) else shown[::-1])
