"""The two towers of a model directory as torch modules: from uint8 pixels and token ids to unit vectors."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPConfig, CLIPModel

from cosmos_search.json_files import read_object
from cosmos_search.model_config import ModelKind, clip_towers
from cosmos_search.network.checkpoint import load_model, read_config
from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.network.weights import check_header, load_weights
from cosmos_search.processing.image import Preprocess

__all__ = ["ImageNetwork", "TextNetwork", "check_weights", "load_clip", "load_networks"]

Features = Callable[[Tensor], Tensor]


class ImageNetwork(nn.Module):
    """An image tower that scales pixels itself, so that bytes instead of floats are copied to the device."""

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
    """A text tower. Its attention is causal, so rows need no padding after their end tokens."""

    def __init__(self, model: nn.Module, features: Features) -> None:
        super().__init__()
        self.model = model
        self._features = features

    def forward(self, ids: Tensor) -> Tensor:
        """ids: (n, length), int64. Returns (n, dim), unit rows."""
        return F.normalize(self._features(ids), dim=-1)


def load_networks(folder: Path, kind: ModelKind) -> tuple[ImageNetwork, TextNetwork]:
    """Both towers of an installed model, for inference. Raises CosmosSearchError if its weights do not fit."""
    preprocess = Preprocess.load(folder / "preprocessor_config.json")
    if kind == "cosmos":
        model = load_model(folder)
        image = ImageNetwork(model.visual, lambda pixels: model.encode_images(pixels).features, preprocess)
        return image.eval(), TextNetwork(model, lambda ids: model.encode_texts(ids).features).eval()
    clip = load_clip(folder)
    image = ImageNetwork(clip, lambda x: clip.visual_projection(clip.vision_model(x).pooler_output), preprocess)
    text = TextNetwork(clip, lambda ids: clip.text_projection(clip.text_model(ids).pooler_output))
    return image.eval(), text.eval()


def load_clip(folder: Path) -> CLIPModel:
    """A CLIPModel from safetensors, for inference. Raises CosmosSearchError if its files do not fit each other.

    Of config.json only the values that determine shapes are used, so that it cannot select code, kernels or
    quantisation.
    """
    config = _clip_config(folder)
    return load_weights(lambda: CLIPModel(config), folder / "model.safetensors")


def check_weights(folder: Path, kind: ModelKind, weights: Path) -> None:
    """Raise CosmosSearchError if the header of a safetensors file does not fit the config.json in a folder."""
    if kind == "cosmos":
        config = read_config(folder)
        check_header(lambda: CosmosModel(config), weights)
    else:
        clip_config = _clip_config(folder)
        check_header(lambda: CLIPModel(clip_config), weights)


def _clip_config(folder: Path) -> CLIPConfig:
    path = folder / "config.json"
    vision, text, dim = clip_towers(read_object(path), path)
    return CLIPConfig(vision_config=vision, text_config=text, projection_dim=dim)
