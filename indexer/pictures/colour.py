"""Convert pictures of any mode to 8-bit RGB; transparent pixels become white."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Bands", "reduce_to_rgb", "split_bands"]

Bands = Callable[[], Iterable[Image.Image]]  # each call: a picture in parts of full width, from top to bottom

BAND_PIXELS = 1 << 18
USUAL_TOP = {"I;16": 65535.0, "I;16L": 65535.0, "I;16B": 65535.0, "I;16N": 65535.0, "I": 65535.0, "F": 1.0}


def split_bands(image: Image.Image) -> Iterator[Image.Image]:
    """Split a decoded picture into bands."""
    n_rows = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, n_rows):
        yield image.crop((0, top, image.width, min(top + n_rows, image.height)))


def reduce_to_rgb(bands: Bands, size: tuple[int, int], factor: int) -> Image.Image:
    """Convert a picture to RGB and divide its sides by `factor`.

    Grey values of more than 8 bits are scaled, not clipped. Transparent pixels are blended with white. The picture is
    converted band by band, because the conversions need several copies; it is reduced in RGB.
    """
    width, height = size
    top_value = _find_top_value(bands)
    result = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    y, rest = 0, None
    for band in bands():
        rgb = _join(rest, _to_rgb(band, top_value))
        n_rows = rgb.height // factor * factor
        rest = rgb.crop((0, n_rows, width, rgb.height)) if n_rows < rgb.height else None
        if n_rows:
            y = _paste(result, rgb.crop((0, 0, width, n_rows)) if rest is not None else rgb, factor, y)
    if rest is not None:
        _paste(result, rest, factor, y)
    return result


def _paste(result: Image.Image, rgb: Image.Image, factor: int, y: int) -> int:
    small = rgb.reduce(factor) if factor > 1 else rgb
    result.paste(small, (0, y))
    return y + small.height


def _join(upper: Image.Image | None, lower: Image.Image) -> Image.Image:
    if upper is None:
        return lower
    both = Image.new("RGB", (lower.width, upper.height + lower.height))
    both.paste(upper, (0, 0))
    both.paste(lower, (0, upper.height))
    return both


def _to_rgb(band: Image.Image, top_value: float | None) -> Image.Image:
    if top_value is not None:
        values = _to_floats(band).clip(0, None) * (255 / top_value)
        return Image.fromarray(values.round().astype(np.uint8)).convert("RGB")
    if band.has_transparency_data:
        overlay = band.convert("RGBA")
        paper = Image.new("RGBA", overlay.size, "white")
        return Image.alpha_composite(paper, overlay).convert("RGB")
    return band if band.mode == "RGB" else band.convert("RGB")


def _find_top_value(bands: Bands) -> float | None:
    """The value of white in a picture of more than 8 bits per channel; None for other pictures.

    It is 65535 for integers and 1 for floats, or the largest value if that is larger.
    """
    usual = top = None
    for band in bands():
        if usual is None:
            usual = top = USUAL_TOP.get(band.mode)
        if usual is None or top is None or band.mode.startswith("I;16"):
            break
        top = max(top, float(_to_floats(band).max(initial=0.0)))
    return top


def _to_floats(band: Image.Image) -> NDArray[np.float32]:
    return np.nan_to_num(np.asarray(band).astype(np.float32))
