"""From a picture to the pixels that a network takes, as in CLIP's evaluation; without torch and torchvision."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cosmos_search.json_files import read_object, write_object
from indexer.errors import CosmosSearchError

__all__ = ["Preprocess"]

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
MAX_SIDE = 4096  # pixels
MAX_SCALE = 1000  # of a mean or deviation
MAX_LENGTH = 64  # times the shorter side


@dataclass(frozen=True, slots=True)
class Preprocess:
    """Resize by Pillow, then scale each channel: (value / 255 - mean) / std."""

    side: int = 224  # pixels
    mean: tuple[float, float, float] = CLIP_MEAN
    std: tuple[float, float, float] = CLIP_STD
    keeps_shape: bool = True  # resize the shorter side and crop the centre; else squash the picture to a square
    resample: Image.Resampling = Image.Resampling.BICUBIC

    def pixels(self, picture: Image.Image) -> NDArray[np.uint8]:
        """(side, side, 3) of an RGB picture, not scaled: the network's graph does that."""
        if not self.keeps_shape:
            return np.asarray(picture.resize((self.side, self.side), self.resample))
        picture = _limit_length(picture)
        width, height = picture.size
        short = min(width, height)
        size = (int(self.side * width / short), int(self.side * height / short))
        left, top = (round((length - self.side) / 2) for length in size)
        resized = picture if size == picture.size else picture.resize(size, self.resample)
        return np.asarray(resized.crop((left, top, left + self.side, top + self.side)))

    def __call__(self, picture: Image.Image) -> NDArray[np.float32]:
        """(3, side, side), scaled."""
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        scaled = (self.pixels(picture).astype(np.float32) / np.float32(255) - mean) / std
        return np.ascontiguousarray(scaled.transpose(2, 0, 1), dtype=np.float32)

    def squash(self, picture: Image.Image) -> NDArray[np.float32]:
        """(3, side, side), scaled, of the whole picture regardless of its shape."""
        return self(picture.resize((self.side, self.side), self.resample))

    def save(self, path: Path) -> None:
        """Write it as a preprocessor_config.json, as transformers' CLIPImageProcessor reads it."""
        content = {
            "image_processor_type": "CLIPImageProcessor",
            "do_resize": True,
            "size": {"shortest_edge": self.side},
            "resample": int(self.resample),
            "do_center_crop": True,
            "crop_size": {"height": self.side, "width": self.side},
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": self.mean,
            "image_std": self.std,
        }
        assert self.keeps_shape, self
        write_object(path, content)

    @classmethod
    def load(cls, path: Path) -> "Preprocess":
        """Read a preprocessor_config.json of the CLIP family. Raises CosmosSearchError for other preprocessing."""
        content = read_object(path)
        try:
            size = content["size"]
            keys = ("shortest_edge",) if isinstance(size, dict) and "shortest_edge" in size else ("height", "width")
            side, crop = _parse_side(size, keys), _parse_side(content.get("crop_size", size), ("height", "width"), keys)
            mean, std = (_parse_channels(content[f"image_{name}"]) for name in ("mean", "std"))
            keeps_shape = isinstance(size, int) or "shortest_edge" in size
            resample = Image.Resampling(_parse_integer(content.get("resample", int(Image.Resampling.BICUBIC))))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise CosmosSearchError(f"{path} does not describe how pictures are prepared for this model.") from error
        if crop != side:
            raise CosmosSearchError(
                f"{path} asks for a crop of {crop} from {side} pixels; only equal sizes are supported."
            )
        if not all(abs(x) <= MAX_SCALE for x in mean) or not all(1 / MAX_SCALE <= x <= MAX_SCALE for x in std):
            raise CosmosSearchError(f"{path} scales pictures by an image_mean or image_std that is out of bounds.")
        steps = [content.get(f"do_{step}", True) for step in ("resize", "rescale", "normalize")]
        factor = content.get("rescale_factor", 1 / 255)
        is_cropped = content.get("do_center_crop", True)
        if type(is_cropped) is not bool or (keeps_shape and not is_cropped):
            raise CosmosSearchError(f"{path} keeps the shape of pictures, but a network takes squares.")
        if not all(step is True for step in steps) or type(factor) is not float or abs(factor * 255 - 1) > 1e-4:
            raise CosmosSearchError(f"{path} prepares pictures in another way than CLIP, which is not supported.")
        return cls(side, mean, std, keeps_shape, resample)


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


def _parse_channels(values: object) -> tuple[float, float, float]:
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
