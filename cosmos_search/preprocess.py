"""From a picture to the pixels that a network takes, as CLIP evaluates (no torchvision, no torch)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.errors import CosmosSearchError

__all__ = ["Preprocess"]

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
MAX_LENGTH = 64  # times the shorter side


@dataclass(frozen=True, slots=True)
class Preprocess:
    """Resize by Pillow, then scale each channel: (value / 255 - mean) / std."""

    side: int = 224  # pixels
    mean: tuple[float, float, float] = CLIP_MEAN
    std: tuple[float, float, float] = CLIP_STD
    keeps_shape: bool = True  # shorter side to `side`, then the centre; else squashed to the square
    resample: Image.Resampling = Image.Resampling.BICUBIC

    def pixels(self, picture: Image.Image) -> NDArray[np.uint8]:
        """(side, side, 3) of an RGB picture: everything but the scaling, which the network's graph does."""
        if not self.keeps_shape:
            return np.asarray(picture.resize((self.side, self.side), self.resample))
        picture = _not_too_long(picture)
        width, height = picture.size
        short = min(width, height)
        size = (int(self.side * width / short), int(self.side * height / short))
        left, top = (round((length - self.side) / 2) for length in size)
        resized = picture if size == picture.size else picture.resize(size, self.resample)
        return np.asarray(resized.crop((left, top, left + self.side, top + self.side)))

    def __call__(self, picture: Image.Image) -> NDArray[np.float32]:
        """(3, side, side), scaled: the whole of it in numpy."""
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        scaled = (self.pixels(picture).astype(np.float32) / np.float32(255) - mean) / std
        return np.ascontiguousarray(scaled.transpose(2, 0, 1), dtype=np.float32)

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
        assert self.keeps_shape, "only CLIP's way is written"
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Preprocess":
        """From a preprocessor_config.json of the CLIP family. Raises CosmosSearchError for another kind."""
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            size = content["size"]
            side = size if isinstance(size, int) else size.get("shortest_edge") or size["height"]
            crop = content.get("crop_size", side)
            crop = crop if isinstance(crop, int) else crop["height"]
            mean, std = (tuple(float(x) for x in content[f"image_{name}"]) for name in ("mean", "std"))
            keeps_shape = isinstance(size, int) or "shortest_edge" in size
            resample = Image.Resampling(content.get("resample", Image.Resampling.BICUBIC))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CosmosSearchError(f"{path} does not say how pictures are prepared for this model.") from error
        if crop != side or len(mean) != 3 or len(std) != 3:
            raise CosmosSearchError(f"{path} asks for a crop of {crop} from {side} pixels; only equal ones are known.")
        return cls(side, mean, std, keeps_shape, resample)


def _not_too_long(picture: Image.Image) -> Image.Image:
    """The middle of a picture that is much longer than wide: only that is kept, and the rest would fill the memory."""
    width, height = picture.size
    keep = MAX_LENGTH * min(width, height)
    if max(width, height) <= keep:
        return picture
    left, top = max(0, (width - keep) // 2), max(0, (height - keep) // 2)
    return picture.crop((left, top, min(width, left + keep), min(height, top + keep)))
