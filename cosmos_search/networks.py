"""A model directory as two torch modules: bytes of pixels in, ids in, unit vectors out."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPModel

from cosmos_search.checkpoint import load_model
from cosmos_search.preprocess import Preprocess
from indexer.errors import CosmosSearchError

__all__ = ["ImageNetwork", "TextNetwork", "load_clip", "load_networks"]

Features = Callable[[Tensor], Tensor]


class ImageNetwork(nn.Module):
    """The scaling of pixels is part of it, so that bytes travel and not floats."""

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, features: Features, preprocess: Preprocess) -> None:
        super().__init__()
        self.model = model
        self._features = features
        self.register_buffer("mean", 255 * torch.tensor(preprocess.mean))
        self.register_buffer("std", 255 * torch.tensor(preprocess.std))

    def forward(self, pixels: Tensor) -> Tensor:
        """pixels: (n, side, side, 3), uint8. Returns (n, dim), unit rows."""
        scaled = (pixels.to(self.mean.dtype) - self.mean) / self.std
        return F.normalize(self._features(scaled.permute(0, 3, 1, 2)), dim=-1)


class TextNetwork(nn.Module):
    """Causal, so a row may end at its end token: padding changes nothing."""

    def __init__(self, model: nn.Module, features: Features) -> None:
        super().__init__()
        self.model = model
        self._features = features

    def forward(self, ids: Tensor) -> Tensor:
        """ids: (n, length), int64. Returns (n, dim), unit rows."""
        return F.normalize(self._features(ids), dim=-1)


def load_networks(folder: Path, kind: str) -> tuple[ImageNetwork, TextNetwork]:
    """Both towers of an installed model. Weights come from safetensors alone; CosmosSearchError if they don't fit."""
    preprocess = Preprocess.load(folder / "preprocessor_config.json")
    if kind == "cosmos":
        model = load_model(folder)
        image = ImageNetwork(model.vision, lambda pixels: model.vision(pixels)[0], preprocess)
        return image.eval(), TextNetwork(model.text, lambda ids: model.text(ids)[0]).eval()
    clip = load_clip(folder)
    image = ImageNetwork(clip, lambda x: clip.visual_projection(clip.vision_model(x).pooler_output), preprocess)
    text = TextNetwork(clip, lambda ids: clip.text_projection(clip.text_model(ids).pooler_output))
    return image.eval(), text.eval()


def load_clip(folder: Path) -> CLIPModel:
    """A CLIPModel from safetensors; CosmosSearchError if its parts don't fit."""
    try:
        return CLIPModel.from_pretrained(folder, use_safetensors=True, local_files_only=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise CosmosSearchError(f"The model in {folder} can't be loaded: {error}") from error
