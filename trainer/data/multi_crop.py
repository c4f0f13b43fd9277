"""Image multi-crop (paper §3.2, after DINO): two global views of a picture and some local ones.

The arithmetic, and the order in which chance is asked, are torchvision's on Pillow pictures, so that the authors' views
come out under the authors' seeds.
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

__all__ = ["Crop", "MultiCrop", "normalised", "whole_view"]

ASPECT = (3 / 4, 4 / 3)  # of a crop, width to height
FLIP = 0.5
JITTER, BRIGHTNESS, CONTRAST, SATURATION, HUE = 0.8, 0.4, 0.4, 0.2, 0.1
GRAY = 0.2
RADIUS = (0.1, 2.0)  # pixels, of the blur
N_TRIES = 10


@dataclass(frozen=True, slots=True)
class Crop:
    """One view's rule: its side in pixels, the share of the picture's area it may take, and how it is disturbed.

    is_disturbed: off, it is cut and scaled alone.
    """

    side: int
    area: tuple[float, float]
    blur: float  # probabilities
    solarize: float = 0.0
    is_disturbed: bool = True

    def __call__(self, picture: Image.Image, random: Random, generator: Generator) -> Image.Image:
        """An RGB view of a picture."""
        view = _crop(picture, self.area, generator).resize((self.side, self.side), Image.Resampling.BICUBIC)
        view = view.convert("RGB")
        if not self.is_disturbed:
            return view
        if _uniform(0, 1, generator) < FLIP:
            view = view.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if random.random() < JITTER:
            view = _jitter(view, generator)
        if random.random() < GRAY:
            view = view.convert("L").convert("RGB")
        if random.random() <= self.blur:
            view = view.filter(ImageFilter.GaussianBlur(random.uniform(*RADIUS)))
        if self.solarize and random.random() < self.solarize:
            view = ImageOps.solarize(view)
        return view


class MultiCrop:
    """Two global views, the one blurred always and the other seldom but solarized at times, and local ones.

    border: the share of the picture that is the least for a global view and the most for a local one.
    """

    def __init__(self, side: int, local_side: int, n_local: int, border: float, *, is_disturbed: bool = True) -> None:
        first, second = Crop(side, (border, 1.0), blur=1.0), Crop(side, (border, 1.0), blur=0.1, solarize=0.2)
        crops = [first, second, *[Crop(local_side, (0.05, border), blur=0.5)] * n_local]
        self.crops = [replace(crop, is_disturbed=is_disturbed) for crop in crops]

    def __call__(self, picture: Image.Image, random: Random, generator: Generator) -> list[Tensor]:
        """Each (3, side, side), normalised as CLIP does."""
        return [normalised(crop(picture, random, generator)) for crop in self.crops]


def whole_view(picture: Image.Image, side: int, generator: Generator) -> Tensor:
    """What plain CLIP trains on: nearly all of the picture, not disturbed: (3, side, side)."""
    crop = _crop(picture, (0.9, 1.0), generator).resize((side, side), Image.Resampling.BICUBIC)
    return normalised(crop.convert("RGB"))


def normalised(picture: Image.Image) -> Tensor:
    """(3, height, width) of an RGB picture: (value / 255 - mean) / std."""
    values = torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255
    return (values - torch.tensor(CLIP_MEAN)[:, None, None]) / torch.tensor(CLIP_STD)[:, None, None]


def _crop(picture: Image.Image, area: tuple[float, float], generator: Generator) -> Image.Image:
    """A random part; where ten tries find none that fits, the middle with the nearest allowed aspect."""
    width, height = picture.size
    for _ in range(N_TRIES):
        size = width * height * _uniform(*area, generator)
        aspect = float(torch.empty(1).uniform_(*_log_aspect(), generator=generator).exp())
        w, h = round(sqrt(size * aspect)), round(sqrt(size / aspect))
        if 0 < w <= width and 0 < h <= height:
            top, left = (int(torch.randint(0, room + 1, (1,), generator=generator)) for room in (height - h, width - w))
            return picture.crop((left, top, left + w, top + h))
    return _middle(picture)


def _log_aspect() -> tuple[float, float]:
    low, high = torch.log(torch.tensor(ASPECT)).tolist()
    return low, high


def _middle(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    w, h = width, height
    if width / height < ASPECT[0]:
        h = round(width / ASPECT[0])
    elif width / height > ASPECT[1]:
        w = round(height * ASPECT[1])
    left, top = (width - w) // 2, (height - h) // 2
    return picture.crop((left, top, left + w, top + h))


def _jitter(view: Image.Image, generator: Generator) -> Image.Image:
    """Brightness, contrast, saturation and hue, in random order."""
    order = torch.randperm(4, generator=generator).tolist()
    factors = [_uniform(1 - x, 1 + x, generator) for x in (BRIGHTNESS, CONTRAST, SATURATION)]
    changes: list[Callable[[Image.Image], Image.Image]] = [
        lambda x: ImageEnhance.Brightness(x).enhance(factors[0]),
        lambda x: ImageEnhance.Contrast(x).enhance(factors[1]),
        lambda x: ImageEnhance.Color(x).enhance(factors[2]),
    ]
    hue = _uniform(-HUE, HUE, generator)
    changes.append(lambda x: _turn_hue(x, hue))
    for i in order:
        view = changes[i](view)
    return view


def _turn_hue(view: Image.Image, turn: float) -> Image.Image:
    """turn: of the circle; the hue is a byte, and wraps."""
    hue, saturation, value = view.convert("HSV").split()
    shift = int(turn * 255)
    hue = hue.point([(x + shift) % 256 for x in range(256)])
    return Image.merge("HSV", (hue, saturation, value)).convert("RGB")


def _uniform(low: float, high: float, generator: Generator) -> float:
    return float(torch.empty(1).uniform_(low, high, generator=generator))
