"""The image tower in torch: in half precision on a GPU, or in bf16 on a CPU that supports it."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from cosmos_search.encoders.devices import Device, Precision
from cosmos_search.encoders.torch_resize import MAX_SIDE, resize_regions
from cosmos_search.network.towers import load_networks
from cosmos_search.processing.image import resize_boxes
from indexer.encoder import Vectors

__all__ = ["TorchImages"]

DTYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
GPU_BATCH = 128
CPU_BATCH = 16

log = logging.getLogger(__name__)


class TorchImages:
    """An ImageRuntime. If a batch does not fit into memory, `batch_size` is halved permanently.

    On CUDA the threads that call it copy their pixels to the GPU from pinned memory, on a stream of its own, while the
    GPU computes an earlier batch, and wait for results without holding the lock, so that others can start the next one.
    """

    def __init__(self, folder: Path, device: Device, precision: Precision) -> None:
        network, _ = load_networks(folder)
        self._network = network.to(device, DTYPES[precision])
        self._device = torch.device(device)
        self._lock = Lock()  # of starting a batch, which on a CPU is all of its work
        # A high priority, so that threads that decode do not wait for batches
        self._copies = torch.cuda.Stream(priority=-1) if device == "cuda" else None  # type: ignore[no-untyped-call]
        self.batch_size = CPU_BATCH if device == "cpu" else GPU_BATCH
        self.is_on_cpu = device == "cpu"
        name = torch.cuda.get_device_name() if device == "cuda" else device
        self.device = f"{name}, torch {precision}"

    def resize(
        self, picture: Image.Image, boxes: Sequence[tuple[int, int, int, int]], side: int, resample: Image.Resampling
    ) -> list[NDArray[np.uint8]]:
        """Parts of a picture, each (side, side, 3); on CUDA they are resized there if they fit."""
        if self._copies is not None and boxes and max(picture.size) <= MAX_SIDE:
            with suppress(torch.OutOfMemoryError), torch.cuda.stream(self._copies):
                return list(resize_regions(picture, boxes, side, resample, self._device))
        return resize_boxes(picture, boxes, side, resample)

    @torch.inference_mode()
    def encode(self, pixels: NDArray[np.uint8]) -> Vectors:
        """pixels: (n, side, side, 3). Returns (n, dim), unit rows."""
        parts: list[Vectors] = []
        done = 0
        while done < len(pixels):
            part = pixels[done : done + self.batch_size]
            try:
                parts.append(self._run(part))
            except torch.OutOfMemoryError:
                if len(part) == 1:
                    raise
                self._halve(len(part))
            else:
                done += len(part)
        return np.concatenate(parts)

    def _run(self, pixels: NDArray[np.uint8]) -> Vectors:
        batch = self._upload(pixels)
        with self._lock:
            if self._copies is not None:
                torch.cuda.current_stream().wait_stream(self._copies)
                batch.record_stream(torch.cuda.current_stream())
            vectors: Tensor = self._network(batch)
            vectors = torch.nn.functional.normalize(vectors.float(), dim=-1)
        out: Vectors = vectors.cpu().numpy()  # waits for the GPU
        return out

    def _upload(self, pixels: NDArray[np.uint8]) -> Tensor:
        host = torch.from_numpy(np.ascontiguousarray(pixels))
        if self._copies is None:
            return host.to(self._device)
        with torch.cuda.stream(self._copies):
            return host.pin_memory().to(self._device, non_blocking=True)

    def _halve(self, size: int) -> None:
        """Use smaller batches than this size, unless another thread has reduced them already."""
        with self._lock:
            if self.batch_size >= size:
                self.batch_size = size // 2
                log.warning("The GPU's memory is full; continuing with %d pictures per batch.", self.batch_size)
        torch.cuda.empty_cache()
