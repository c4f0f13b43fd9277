"""Any picture as 8-bit RGB, the way a person would see it on white paper."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Bands", "cut", "reduce_to_rgb"]

Bands = Callable[[], Iterable[Image.Image]]  # a picture from top to bottom in parts of full width, each time anew

BAND_PIXELS = 1 << 18
USUAL_TOP = {"I;16": 65535.0, "I;16L": 65535.0, "I;16B": 65535.0, "I;16N": 65535.0, "I": 65535.0, "F": 1.0}


def cut(image: Image.Image) -> Iterator[Image.Image]:
    """The bands of a decoded picture."""
    n_rows = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, n_rows):
        yield image.crop((0, top, image.width, min(top + n_rows, image.height)))


def reduce_to_rgb(bands: Bands, size: tuple[int, int], factor: int) -> Image.Image:
    """The picture in RGB, its sides divided by a whole number: deep grey values scaled, not clipped; what is
    transparent lies on white.

    It goes band by band, as the conversions take several copies, and colours are averaged in RGB only.
    """
    width, height = size
    top_value = _top_value(bands)
    result = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    y, rest = 0, None
    for band in bands():
        rgb = _joined(rest, _to_rgb(band, top_value))
        n_rows = rgb.height // factor * factor
        rest = rgb.crop((0, n_rows, width, rgb.height)) if n_rows < rgb.height else None
        if n_rows:
            y = _put(result, rgb.crop((0, 0, width, n_rows)) if rest is not None else rgb, factor, y)
    if rest is not None:
        _put(result, rest, factor, y)
    return result


def _put(result: Image.Image, rgb: Image.Image, factor: int, y: int) -> int:
    small = rgb.reduce(factor) if factor > 1 else rgb
    result.paste(small, (0, y))
    return y + small.height


def _joined(upper: Image.Image | None, lower: Image.Image) -> Image.Image:
    if upper is None:
        return lower
    both = Image.new("RGB", (lower.width, upper.height + lower.height))
    both.paste(upper, (0, 0))
    both.paste(lower, (0, upper.height))
    return both


def _to_rgb(band: Image.Image, top_value: float | None) -> Image.Image:
    if top_value is not None:
        values = _values(band).clip(0, None) * (255 / top_value)
        return Image.fromarray(values.round().astype(np.uint8)).convert("RGB")
    if band.has_transparency_data:
        overlay = band.convert("RGBA")
        paper = Image.new("RGBA", overlay.size, "white")
        return Image.alpha_composite(paper, overlay).convert("RGB")
    return band if band.mode == "RGB" else band.convert("RGB")


def _top_value(bands: Bands) -> float | None:
    """What is white in a deep picture: integers are taken for 16 bits deep, unless they go beyond; floats for 0..1,
    unless they do. None if the picture is not deep."""
    usual = top = None
    for band in bands():
        if usual is None:
            usual = top = USUAL_TOP.get(band.mode)
        if usual is None or top is None or band.mode.startswith("I;16"):
            break
        top = max(top, float(_values(band).max(initial=0.0)))
    return top


def _values(band: Image.Image) -> NDArray[np.float32]:
    return np.nan_to_num(np.asarray(band).astype(np.float32))
