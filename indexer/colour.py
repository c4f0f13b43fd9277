"""Any picture as 8-bit RGB, the way a person would see it on white paper."""

import numpy as np
from PIL import Image

__all__ = ["to_rgb"]

DEEP_MODES = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}


def to_rgb(image: Image.Image) -> Image.Image:
    """The picture in mode RGB: deep grey values scaled, not clipped; what is transparent lies on white."""
    if image.mode in DEEP_MODES:
        return _eight_bit(image).convert("RGB")
    if image.has_transparency_data:
        overlay = image.convert("RGBA")
        paper = Image.new("RGBA", overlay.size, "white")
        return Image.alpha_composite(paper, overlay).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Integers are taken for 16 bits deep, unless they go beyond; floats for 0..1, unless they do."""
    values = np.nan_to_num(np.asarray(image).astype(np.float32))
    usual = 1.0 if image.mode == "F" else 65535.0
    top = max(usual, float(values.max(initial=0.0)))
    return Image.fromarray((values.clip(0, None) * (255 / top)).round().astype(np.uint8))
