"""A COSMOS network in memory, such as one in training, as an `Encoder` that can be evaluated."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from cosmos_search.encoders.base import BaseEncoder
from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import TextTokenizer
from indexer.encoder import Vectors

__all__ = ["NetworkEncoder", "encode_texts"]

BATCH = 64  # pictures or texts in one call of the network


class NetworkEncoder(BaseEncoder):
    """An Encoder that runs a COSMOS network in torch, on the device that holds the network.

    Pictures and texts are prepared as for an installed COSMOS model.
    """

    version = "unsaved"
    batch_size = BATCH

    def __init__(self, name: str, network: CosmosModel, tokenizer: TextTokenizer) -> None:
        self.name = name
        self.dim = network.config.embed_dim
        self.min_side = network.config.image_size
        self._network = network
        self._tokenizer = tokenizer
        self._preprocess = Preprocess(network.config.image_size)

    @torch.inference_mode()
    def encode_images(self, prepared: Sequence[list[Image.Image]]) -> list[Vectors]:
        """For each prepared picture (1 + regions, dim), unit rows."""
        if not prepared:
            return []
        pixels = np.stack([self._preprocess(part) for parts in prepared for part in parts])  # (n, 3, side, side)
        features = self._network.encode_images(torch.from_numpy(pixels).to(self._network.logit_scale.device)).features
        vectors = F.normalize(features, dim=-1).float().cpu().numpy()
        return np.split(vectors, np.cumsum([len(parts) for parts in prepared])[:-1])

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """(n, dim), unit rows."""
        vectors: Vectors = encode_texts(self._network, self._tokenizer, texts).numpy()
        return vectors


@torch.inference_mode()
def encode_texts(network: CosmosModel, tokenizer: TextTokenizer, texts: Sequence[str]) -> Tensor:
    """Unit vectors, on the CPU: (n, dim)."""
    parts = [torch.from_numpy(tokenizer(texts[i : i + BATCH])) for i in range(0, len(texts), BATCH)]
    device = network.logit_scale.device
    features = [network.encode_texts(part.to(device)).features for part in parts]
    return torch.cat([F.normalize(part, dim=-1).float().cpu() for part in features])
