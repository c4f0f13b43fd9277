"""The two towers of a model directory as torch modules: from uint8 pixels and token ids to unit vectors."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cosmos_search.network.families.family import Family
from cosmos_search.network.families.registry import read_model
from cosmos_search.network.weights import check_header, load_weights
from cosmos_search.processing.image import Preprocess

__all__ = ["ImageNetwork", "TextNetwork", "check_weights", "load_network", "load_networks"]

Features = Callable[[Tensor], Tensor]


class ImageNetwork(nn.Module):
    """An image tower that scales pixels itself, so that bytes instead of floats are copied to the device."""

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, features: Features, preprocess: Preprocess) -> None:
        super().__init__()
        self.model = model
        self.features = features  # of pixels that are scaled already, rows of any length
        self.register_buffer("mean", 255 * torch.tensor(preprocess.mean))
        self.register_buffer("std", 255 * torch.tensor(preprocess.std))

    def forward(self, pixels: Tensor) -> Tensor:
        """pixels: (n, side, side, 3), uint8. Returns (n, dim), unit rows."""
        scaled = (pixels.to(self.mean.dtype) - self.mean) / self.std
        return F.normalize(self.features(scaled.permute(0, 3, 1, 2)), dim=-1)


class TextNetwork(nn.Module):
    """A text tower; rows are padded only if the text format of its family pads them."""

    def __init__(self, model: nn.Module, features: Features) -> None:
        super().__init__()
        self.model = model
        self._features = features

    def forward(self, ids: Tensor) -> Tensor:
        """ids: (n, length), int64. Returns (n, dim), unit rows."""
        return F.normalize(self._features(ids), dim=-1)


def load_networks(folder: Path) -> tuple[ImageNetwork, TextNetwork]:
    """Both towers of a model directory, for inference. Raises CosmosSearchError if its files do not fit each other."""
    preprocess = Preprocess.load(folder / "preprocessor_config.json")
    family, model = load_network(folder)
    image = ImageNetwork(model, partial(family.encode_images, model), preprocess)
    return image.eval(), TextNetwork(model, partial(family.encode_texts, model)).eval()


def load_network(folder: Path) -> tuple[Family, nn.Module]:
    """A model directory's network, for inference, and its family.

    Raises CosmosSearchError if its files do not fit each other.
    """
    family, config = read_model(folder)
    return family, load_weights(lambda: family.make(config), folder / "model.safetensors")


def check_weights(folder: Path, weights: Path) -> None:
    """Raise CosmosSearchError if the header of a safetensors file does not fit the config.json in a folder."""
    family, config = read_model(folder)
    check_header(lambda: family.make(config), weights)
