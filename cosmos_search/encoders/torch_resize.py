"""Resize regions of a picture on a GPU, with the result of Pillow, so that the cores only decode.

Resampling is linear in the pixels: a matrix product along the rows, then one along the columns. The matrices are
Pillow's own: what it makes of an identity matrix. Like Pillow, the result of the first product is rounded to 8 bits.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

__all__ = ["MAX_SIDE", "resize_regions"]

MAX_SIDE = 2048  # pixels of a picture; matrices of longer ones take too much memory


@torch.inference_mode()
def resize_regions(
    picture: Image.Image,
    boxes: Sequence[tuple[int, int, int, int]],
    side: int,
    resample: Image.Resampling,
    device: torch.device,
) -> NDArray[np.uint8]:
    """Parts of an RGB picture of at most MAX_SIDE, squashed to squares: (boxes, side, side, 3).

    boxes: left, top, right, bottom in pixels. Values differ by at most 1 from those of `Image.resize`, or by a few
    where that begins with the columns, as in tall pictures, and clips other values.
    """
    width, height = picture.size
    host = torch.from_numpy(np.array(picture))
    if device.type == "cuda":
        host = host.pin_memory()
    pixels = host.to(device, non_blocking=True).float()  # (height, width, 3)
    across = torch.stack([_make_weights(width, box[0], box[2], side, resample, device) for box in boxes])
    down = torch.stack([_make_weights(height, box[1], box[3], side, resample, device) for box in boxes])
    rows = _round(torch.einsum("hwc,nsw->nhsc", pixels, across))  # (boxes, height, side, 3)
    found: NDArray[np.uint8] = _round(torch.einsum("nhsc,nth->ntsc", rows, down)).byte().cpu().numpy()
    return found


@lru_cache(maxsize=256)  # pictures of one camera share them; about 100 MB
def _make_weights(
    length: int, start: int, end: int, side: int, resample: Image.Resampling, device: torch.device
) -> Tensor:
    """Resizes the pixels from start to end, of `length` pixels, to `side` pixels: (side, length)."""
    identity = Image.fromarray(np.eye(length, dtype=np.float32))
    weights = np.asarray(identity.resize((side, length), resample, (start, 0, end, length)))  # (length, side)
    return torch.from_numpy(weights.T.copy()).to(device)


def _round(values: Tensor) -> Tensor:
    """To whole numbers in 0..255."""
    return (values + 0.5).floor().clamp(0, 255)
