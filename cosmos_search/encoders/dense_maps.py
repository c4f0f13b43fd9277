"""Heat maps of an installed model: how near each patch of a picture is to a text. Needs torch."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPModel

from cosmos_search.model_config import ModelKind
from cosmos_search.network.checkpoint import load_model
from cosmos_search.network.towers import load_clip
from cosmos_search.processing.image import Preprocess

__all__ = ["DenseMaps"]


class DenseMaps:
    """The dense features of a model, one vector per patch, in the joint space of pictures and texts."""

    def __init__(self, folder: Path, kind: ModelKind, device: str = "cpu") -> None:
        """folder: a model directory. device: a torch device; the network runs in fp32."""
        self._preprocess = Preprocess.load(folder / "preprocessor_config.json")
        self._device = torch.device(device)
        self._model = load_model(folder) if kind == "cosmos" else load_clip(folder)
        nn.Module.to(self._model, self._device)  # in place

    @torch.inference_mode()
    def activation(self, picture: Image.Image, query: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine of each patch with a query's vector (dim,): (rows, columns), covering the whole picture."""
        pixels = torch.from_numpy(self._preprocess.squash(picture))[None].to(self._device)  # (1, 3, side, side)
        if isinstance(self._model, CLIPModel):
            dense = _clip_dense(self._model, pixels)
        else:
            dense = self._model.dense(pixels, csa=True)
        cosines = (dense[0].cpu() @ torch.from_numpy(query)).numpy()
        side = round(len(cosines) ** 0.5)
        return np.asarray(cosines.reshape(side, side), dtype=np.float32)


def _clip_dense(model: CLIPModel, pixels: Tensor) -> Tensor:
    """Unit vectors of the patches: (batch, patches, dim)."""
    tokens = model.vision_model(pixels).last_hidden_state[:, 1:]
    return F.normalize(model.visual_projection(model.vision_model.post_layernorm(tokens)), dim=-1)
