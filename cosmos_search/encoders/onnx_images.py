"""The image tower in ONNX Runtime on a CPU."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from PIL import Image

from cosmos_search.encoders.onnx_session import describe_device
from cosmos_search.processing.image import resize_boxes
from indexer.encoder import Vectors

__all__ = ["OnnxImages"]

BATCH = 8  # pictures per call; on 2 cores larger batches were slower (benchmarks/speed/encoding.py)
CROP_BATCH = 32  # regions per call


class OnnxImages:
    """An ImageRuntime; each call uses one thread, so there should be as many callers as cores."""

    batch_size = BATCH
    is_on_cpu = True

    def __init__(self, whole: InferenceSession, crops: InferenceSession, side: int, precision: str) -> None:
        self._whole = whole
        self._crops = crops
        self._side = side
        self.device = describe_device(whole, precision)

    def resize(
        self, picture: Image.Image, boxes: Sequence[tuple[int, int, int, int]], side: int, resample: Image.Resampling
    ) -> list[NDArray[np.uint8]]:
        """Parts of a picture, each (side, side, 3)."""
        return resize_boxes(picture, boxes, side, resample)

    def encode(self, pixels: NDArray[np.uint8]) -> Vectors:
        """pixels: (n, side, side, 3). Returns (n, dim), unit rows."""
        is_whole = pixels.shape[1] == self._side
        session, size = (self._whole, BATCH) if is_whole else (self._crops, CROP_BATCH)
        parts = [pixels[i : i + size] for i in range(0, len(pixels), size)]
        return np.concatenate([session.run(["vectors"], {"pixels": part})[0] for part in parts])
