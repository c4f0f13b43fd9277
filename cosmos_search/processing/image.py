"""From a picture to the pixels that a network takes, as in CLIP's evaluation; without torch and torchvision."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cosmos_search.json_files import read_object, write_object
from indexer.errors import CosmosSearchError

__all__ = ["Preprocess", "resize_boxes"]

Channels = tuple[float, float, float]

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
MAX_SIDE = 4096  # pixels
MAX_SCALE = 1000  # of a mean or deviation
MAX_LENGTH = 64  # times the shorter side


@dataclass(frozen=True, slots=True)
class Preprocess:
    """Resize by Pillow, crop the centre, then scale each channel: (value / 255 - mean) / std."""

    side: int = 224  # pixels of the crop
    mean: Channels = CLIP_MEAN
    std: Channels = CLIP_STD
    keeps_shape: bool = True  # resize the shorter side and crop the centre; else squash the picture to a square
    resample: Image.Resampling = Image.Resampling.BICUBIC
    resized: int | None = None  # pixels of the shorter side or the square before the crop; None: those of the crop

    def pixels(self, picture: Image.Image) -> NDArray[np.uint8]:
        """(side, side, 3) of an RGB picture, not scaled: the network's graph does that."""
        length = self.side if self.resized is None else self.resized
        picture = _limit_length(picture) if self.keeps_shape else picture
        width, height = picture.size
        short = min(width, height)
        size = (int(length * width / short), int(length * height / short)) if self.keeps_shape else (length, length)
        left, top = (round((pixels - self.side) / 2) for pixels in size)
        resized = picture if size == picture.size else picture.resize(size, self.resample)
        return np.asarray(resized.crop((left, top, left + self.side, top + self.side)))

    def __call__(self, picture: Image.Image) -> NDArray[np.float32]:
        """(3, side, side), scaled."""
        return self._scale(self.pixels(picture))

    def squash(self, picture: Image.Image) -> NDArray[np.float32]:
        """(3, side, side), scaled, of the whole picture regardless of its shape."""
        return self._scale(np.asarray(picture.resize((self.side, self.side), self.resample)))

    def save(self, path: Path) -> None:
        """Write it as a preprocessor_config.json, as transformers' CLIPImageProcessor reads it."""
        size = self.side if self.resized is None else self.resized
        content = {
            "image_processor_type": "CLIPImageProcessor",
            "do_resize": True,
            "size": {"shortest_edge": size} if self.keeps_shape else {"height": size, "width": size},
            "resample": int(self.resample),
            "do_center_crop": True,
            "crop_size": {"height": self.side, "width": self.side},
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": self.mean,
            "image_std": self.std,
        }
        write_object(path, content)

    @classmethod
    def load(cls, path: Path) -> "Preprocess":
        """Read a preprocessor_config.json. Raises CosmosSearchError for a way that is not supported."""
        content = read_object(path)
        try:
            size = content["size"]
            keys = ("shortest_edge",) if isinstance(size, dict) and "shortest_edge" in size else ("height", "width")
            resized = _parse_side(size, keys)
            keeps_shape = isinstance(size, int) or "shortest_edge" in size
            is_cropped = _parse_flag(content.get("do_center_crop", keeps_shape or "crop_size" in content))
            side = _parse_side(content.get("crop_size", size), ("height", "width"), keys) if is_cropped else resized
            mean, std = _parse_scale(content)
            resample = Image.Resampling(_parse_integer(content.get("resample", int(Image.Resampling.BICUBIC))))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise CosmosSearchError(f"{path} does not describe how pictures are prepared for this model.") from error
        if side > resized:
            raise CosmosSearchError(f"{path} asks for a crop of {side} from {resized} pixels.")
        if not all(abs(x) <= MAX_SCALE for x in mean) or not all(1 / MAX_SCALE <= x <= MAX_SCALE for x in std):
            raise CosmosSearchError(f"{path} scales pictures by an image_mean or image_std that is out of bounds.")
        if keeps_shape and not is_cropped:
            raise CosmosSearchError(f"{path} keeps the shape of pictures, but a network takes squares.")
        if not all(content.get(f"do_{step}", True) is True for step in ("resize", "rescale")):
            raise CosmosSearchError(f"{path} prepares pictures in another way than CLIP, which is not supported.")
        return cls(side, mean, std, keeps_shape, resample, None if resized == side else resized)

    def _scale(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        scaled = (pixels.astype(np.float32) / np.float32(255) - mean) / std
        return np.ascontiguousarray(scaled.transpose(2, 0, 1), dtype=np.float32)


def resize_boxes(
    picture: Image.Image, boxes: Sequence[tuple[int, int, int, int]], side: int, resample: Image.Resampling
) -> list[NDArray[np.uint8]]:
    """Parts of a picture, squashed to squares, each (side, side, 3). boxes: left, top, right, bottom in pixels."""
    return [np.asarray(picture.resize((side, side), resample, box)) for box in boxes]


def _parse_side(size: object, *choices: tuple[str, ...]) -> int:
    """Pixels: a number, or an object with one number under the first of these sets of keys that it has."""
    if isinstance(size, dict):
        keys = next(keys for keys in choices if keys[0] in size or keys == choices[-1])
        sides = {size[key] for key in keys}
        (size,) = sides  # raises ValueError unless it is a square
    if not 1 <= _parse_integer(size) <= MAX_SIDE:
        raise ValueError(size)
    return _parse_integer(size)


def _parse_integer(value: object) -> int:
    if type(value) is not int:  # rejects bool
        raise TypeError(value)
    return value


def _parse_flag(value: object) -> bool:
    if type(value) is not bool:
        raise TypeError(value)
    return value


def _parse_scale(content: Mapping[str, Any]) -> tuple[Channels, Channels]:
    """The mean and the deviation of (value / 255 - mean) / std.

    rescale_offset, of EfficientNet's processor, means that bytes are scaled to -1..1 before they are normalised.
    """
    factor, has_offset = content.get("rescale_factor", 1 / 255), _parse_flag(content.get("rescale_offset", False))
    expected = 1 / 127.5 if has_offset else 1 / 255
    if type(factor) is not float or abs(factor / expected - 1) > 1e-4 or _parse_flag(content.get("include_top", False)):
        raise ValueError(factor)
    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if _parse_flag(content.get("do_normalize", True)):
        mean, std = (_parse_channels(content[f"image_{name}"]) for name in ("mean", "std"))
    if not has_offset:
        return mean, std
    return _map_channels(mean, lambda m: (m + 1) / 2), _map_channels(std, lambda s: s / 2)


def _map_channels(values: Channels, change: Callable[[float], float]) -> Channels:
    red, green, blue = map(change, values)
    return red, green, blue


def _parse_channels(values: object) -> Channels:
    """Three numbers, one per channel. Raises TypeError or ValueError for anything else."""
    if not isinstance(values, list) or any(type(value) not in (int, float) for value in values):
        raise TypeError(values)
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _limit_length(picture: Image.Image) -> Image.Image:
    """The middle of a picture that is much longer than wide, since resizing all of it would exhaust the memory."""
    width, height = picture.size
    keep = MAX_LENGTH * min(width, height)
    if max(width, height) <= keep:
        return picture
    left, top = max(0, (width - keep) // 2), max(0, (height - keep) // 2)
    return picture.crop((left, top, min(width, left + keep), min(height, top + keep)))
