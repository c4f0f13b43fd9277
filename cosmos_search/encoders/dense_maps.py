"""Heat maps of an installed model: how near each patch of a picture is to a text. Needs torch."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from cosmos_search.network.towers import load_network
from cosmos_search.processing.image import Preprocess

__all__ = ["DenseMaps"]


class DenseMaps:
    """The dense features of a model, one vector per patch, in the joint space of pictures and texts."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        """folder: a model directory. device: a torch device; the network runs in fp32."""
        self._preprocess = Preprocess.load(folder / "preprocessor_config.json")
        self._device = torch.device(device)
        self._family, network = load_network(folder)
        self._network = network.to(self._device)

    @torch.inference_mode()
    def activation(self, picture: Image.Image, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine of each patch with a query's vector (dim,): (rows, columns), covering the whole picture."""
        pixels = torch.from_numpy(self._preprocess.squash(picture))[None].to(self._device)  # (1, 3, side, side)
        dense = F.normalize(self._family.encode_patches(self._network, pixels), dim=-1)
        cosines = (dense[0].cpu() @ torch.from_numpy(query)).numpy()
        side = round(len(cosines) ** 0.5)
        return np.asarray(cosines.reshape(side, side), dtype=np.float32)
