"""Image multi-crop (paper §3.2, after DINO): two global views of a picture and several local ones.

The arithmetic and the order of random draws are those of torchvision on Pillow pictures, so the authors' seeds give
the authors' views.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt
from random import Random

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from torch import Generator, Tensor

from cosmos_search.processing.image import CLIP_MEAN, CLIP_STD
from trainer.config import MIN_LOCAL_AREA

__all__ = ["Crop", "MultiCrop", "make_plain_view", "normalize"]

ASPECT = (3 / 4, 4 / 3)  # of a crop, width to height
FLIP = 0.5
JITTER, BRIGHTNESS, CONTRAST, SATURATION, HUE = 0.8, 0.4, 0.4, 0.2, 0.1
GRAY = 0.2
BLUR_RADIUS = (0.1, 2.0)  # pixels
N_TRIES = 10


@dataclass(frozen=True, slots=True)
class Crop:
    """A random crop, resized to (side, side) pixels and augmented: flip, color jitter, gray, blur, solarize.

    area: least and most of the picture's area. blur, solarize: probabilities. augment: False crops and resizes only.
    """

    side: int
    area: tuple[float, float]
    blur: float
    solarize: float = 0.0
    augment: bool = True

    def __call__(self, picture: Image.Image, random: Random, generator: Generator) -> Image.Image:
        """An RGB view of the picture."""
        view = _crop(picture, self.area, generator).resize((self.side, self.side), Image.Resampling.BICUBIC)
        view = view.convert("RGB")
        if not self.augment:
            return view
        if _draw_uniform(0, 1, generator) < FLIP:
            view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if random.random() < JITTER:
            view = _jitter_colors(view, generator)
        if random.random() < GRAY:
            view = view.convert("L").convert("RGB")
        if random.random() <= self.blur:
            view = view.filter(ImageFilter.GaussianBlur(random.uniform(*BLUR_RADIUS)))
        if self.solarize and random.random() < self.solarize:
            view = ImageOps.solarize(view)
        return view


class MultiCrop:
    """Two global crops, which differ in their probabilities of blur and solarize, and n_local local crops.

    border: share of the picture's area; the least of a global crop and the most of a local one.
    """

    def __init__(self, side: int, local_side: int, n_local: int, border: float, *, augment: bool = True) -> None:
        first, second = Crop(side, (border, 1.0), blur=1.0), Crop(side, (border, 1.0), blur=0.1, solarize=0.2)
        crops = [first, second, *[Crop(local_side, (MIN_LOCAL_AREA, border), blur=0.5)] * n_local]
        self.crops = [replace(crop, augment=augment) for crop in crops]

    def __call__(self, picture: Image.Image, random: Random, generator: Generator) -> list[Tensor]:
        """Normalized views of (3, side, side), the global ones first."""
        return [normalize(crop(picture, random, generator)) for crop in self.crops]


def make_plain_view(picture: Image.Image, side: int, generator: Generator) -> Tensor:
    """CLIP's training view: a crop of at least 0.9 of the area, without augmentation: (3, side, side)."""
    crop = _crop(picture, (0.9, 1.0), generator).resize((side, side), Image.Resampling.BICUBIC)
    return normalize(crop.convert("RGB"))


def normalize(picture: Image.Image) -> Tensor:
    """(value / 255 - mean) / std of an RGB picture, with CLIP's mean and std: (3, height, width)."""
    values = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
    return (values - torch.tensor(CLIP_MEAN)[:, None, None]) / torch.tensor(CLIP_STD)[:, None, None]


def _crop(picture: Image.Image, area: tuple[float, float], generator: Generator) -> Image.Image:
    """A random part of the picture; if ten draws give none that fits into it, the center crop."""
    width, height = picture.size
    log_aspect = torch.log(torch.tensor(ASPECT)).tolist()
    for _ in range(N_TRIES):
        size = width * height * _draw_uniform(*area, generator)
        aspect = float(torch.empty(1).uniform_(*log_aspect, generator=generator).exp())
        w, h = round(sqrt(size * aspect)), round(sqrt(size / aspect))
        if 0 < w <= width and 0 < h <= height:
            top, left = (int(torch.randint(0, room + 1, (1,), generator=generator)) for room in (height - h, width - w))
            return picture.crop((left, top, left + w, top + h))
    return _crop_center(picture)


def _crop_center(picture: Image.Image) -> Image.Image:
    """The largest centered part with an aspect in ASPECT."""
    width, height = picture.size
    w, h = width, height
    if width / height < ASPECT[0]:
        h = round(width / ASPECT[0])
    elif width / height > ASPECT[1]:
        w = round(height * ASPECT[1])
    left, top = (width - w) // 2, (height - h) // 2
    return picture.crop((left, top, left + w, top + h))


def _jitter_colors(view: Image.Image, generator: Generator) -> Image.Image:
    """Change brightness, contrast, saturation and hue, in random order."""
    order = torch.randperm(4, generator=generator).tolist()
    factors = [_draw_uniform(1 - x, 1 + x, generator) for x in (BRIGHTNESS, CONTRAST, SATURATION)]
    hue = _draw_uniform(-HUE, HUE, generator)
    changes: list[Callable[[Image.Image], Image.Image]] = [
        lambda x: ImageEnhance.Brightness(x).enhance(factors[0]),
        lambda x: ImageEnhance.Contrast(x).enhance(factors[1]),
        lambda x: ImageEnhance.Color(x).enhance(factors[2]),
        lambda x: _shift_hue(x, hue),
    ]
    for i in order:
        view = changes[i](view)
    return view


def _shift_hue(view: Image.Image, shift: float) -> Image.Image:
    """shift: fraction of the color circle. Pillow stores the hue as one byte, which wraps around."""
    hue, saturation, value = view.convert("HSV").split()
    offset = int(shift * 255)
    hue = hue.point([(x + offset) % 256 for x in range(256)])
    return Image.merge("HSV", (hue, saturation, value)).convert("RGB")


def _draw_uniform(low: float, high: float, generator: Generator) -> float:
    return float(torch.empty(1).uniform_(low, high, generator=generator))
