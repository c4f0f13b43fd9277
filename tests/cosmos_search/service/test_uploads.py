import io
import struct
import zlib

import pytest
from PIL import Image

from cosmos_search.service.uploads import read_upload
from indexer.errors import UsageError


def png(width, height):
    """A few bytes that say they are a picture of that size."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", zlib.compress(b"\0")) + _chunk(b"IEND", b"")


def _chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def test_a_picture_is_upright_and_small():
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.new("RGB", (4000, 2000), "red").save(buffer, "JPEG", exif=exif)
    assert read_upload(buffer.getvalue()).size == (512, 1024)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"<svg onload=alert(1)>", "not a picture"),
        (png(100_000, 100_000), "over the limit of 100 megapixels"),
        (bytes(33 << 20), "larger than 32 MB"),
    ],
    ids=["empty", "no picture", "a bomb", "too long"],
)
def test_what_cannot_be_used_is_said(content, said):
    with pytest.raises(UsageError, match=said):
        read_upload(content)
