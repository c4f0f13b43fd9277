"""The image tower in torch: in half precision on a GPU, or in bf16 on a CPU that supports it."""

import logging
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cosmos_search.encoders.devices import Device, Precision
from cosmos_search.network.towers import load_networks
from indexer.encoder import Vectors

__all__ = ["TorchImages"]

DTYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
GPU_BATCH = 128
CPU_BATCH = 16

log = logging.getLogger(__name__)


class TorchImages:
    """An ImageRuntime. If a batch does not fit into memory, `batch_size` is halved permanently."""

    def __init__(self, folder: Path, device: Device, precision: Precision) -> None:
        network, _ = load_networks(folder)
        self._network = network.to(device, DTYPES[precision])
        self._device = torch.device(device)
        self._lock = Lock()  # one batch at a time; other threads decode the next ones
        self.batch_size = CPU_BATCH if device == "cpu" else GPU_BATCH
        name = torch.cuda.get_device_name() if device == "cuda" else device
        self.device = f"{name}, torch {precision}"

    @torch.inference_mode()
    def encode(self, pixels: NDArray[np.uint8]) -> Vectors:
        """pixels: (n, side, side, 3). Returns (n, dim), unit rows."""
        with self._lock:
            parts: list[Vectors] = []
            done = 0
            while done < len(pixels):
                part = pixels[done : done + self.batch_size]
                try:
                    parts.append(self._run(part))
                except torch.OutOfMemoryError:
                    if self.batch_size == 1:
                        raise
                    self.batch_size //= 2
                    log.warning("The GPU's memory is full; continuing with %d pictures per batch.", self.batch_size)
                    torch.cuda.empty_cache()
                else:
                    done += len(part)
            return np.concatenate(parts)

    def _run(self, pixels: NDArray[np.uint8]) -> Vectors:
        host = torch.from_numpy(np.ascontiguousarray(pixels))
        if self._device.type == "cuda":
            host = host.pin_memory()
        vectors: Tensor = self._network(host.to(self._device, non_blocking=True))
        vectors = torch.nn.functional.normalize(vectors.float(), dim=-1)
        out: Vectors = vectors.cpu().numpy()
        return out
