"""Encode pictures as data URIs."""

import io
from base64 import b64encode
from html import escape

from PIL import Image

__all__ = ["encode_data_uri", "encode_jpeg_uri", "make_image_html"]

QUALITY = 88


def encode_data_uri(picture: Image.Image) -> str:
    """The picture as a JPEG in a data URI."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return encode_jpeg_uri(buffer.getvalue())


def make_image_html(uri: str, alt: str, width: int) -> str:
    """An `img` element for `st.html`, since pictures of `st.image` have no text for screen readers."""
    return f'<img src="{uri}" alt="{escape(alt)}" width="{width}" style="display:block;border-radius:8px">'


def encode_jpeg_uri(data: bytes) -> str:
    """A data URI with the content of a JPEG file."""
    return "data:image/jpeg;base64," + b64encode(data).decode("ascii")
