"""The COSMOS network (Kim et al., CVPR 2025): two towers, two cross-attentions, two scales.

Modules and parameters have the names of the official code, so its state dicts load unchanged. Therefore the layers of
the text tower are attributes of the model itself, and those of the image tower of `visual`.
"""

from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Literal, Self

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn
from torch.nn import functional as F

from cosmos_search.model_config import CLIP_VOCAB_SIZE
from cosmos_search.network.blocks import Transformer
from cosmos_search.network.cross_attention import CrossAttention
from cosmos_search.network.weights import load_weights

__all__ = ["CosmosConfig", "CosmosModel", "Encoded"]

INITIAL_SCALE = log(1 / 0.07)


@dataclass(frozen=True, slots=True)
class CosmosConfig:
    """The sizes of a network; the defaults are the paper's ViT-B/16."""

    embed_dim: int = 512  # of the joint space; text_width must equal it
    image_size: int = 224  # pixels
    patch_size: int = 16  # pixels
    vision_width: int = 768
    vision_layers: int = 12
    vision_heads: int = 12
    text_width: int = 512
    text_layers: int = 12
    text_heads: int = 8
    context_length: int = 77  # tokens
    vocab_size: int = CLIP_VOCAB_SIZE
    model_type: Literal["cosmos"] = "cosmos"


@dataclass(frozen=True, slots=True)
class Encoded:
    """A tower's output for a batch.

    features: (batch, embed_dim), not normalised. tokens: (batch, n, width) after the last norm: patches row by row
    from the top left, or all positions of the text, padding included. penalty: (batch, 1), a term of the training loss
    that belongs to the network itself, or None.
    """

    features: Tensor
    tokens: Tensor
    penalty: Tensor | None = None


class CosmosModel(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="cosmos-search",
    license="mit",
    paper_url="https://arxiv.org/abs/2412.01814",
):
    """The network of both student and teacher. Saved and loaded in the Hugging Face layout."""

    def __init__(self, config: CosmosConfig) -> None:
        super().__init__()
        dim, width = config.embed_dim, config.text_width
        assert width == dim, (width, dim)
        self.config = config
        self.positional_embedding = nn.Parameter(0.01 * torch.randn(config.context_length, width))
        self.text_projection = nn.Parameter(width**-0.5 * torch.randn(width, dim))
        self.logit_scale = nn.Parameter(torch.tensor(INITIAL_SCALE))  # both are logarithms
        self.distill_logit_scale = nn.Parameter(torch.tensor(INITIAL_SCALE))
        self.visual = ImageTower(config)
        self.transformer = Transformer(width, config.text_layers, config.text_heads)
        self.transformer.initialise_for_text()
        self.token_embedding = nn.Embedding(config.vocab_size, width)
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        self.ln_final = nn.LayerNorm(width)
        self.text_attn_cross_pool = CrossAttention(dim)  # C^T: queries are images' features, keys are words
        self.image_token_mapping = nn.Linear(config.vision_width, dim)
        self.text_token_mapping = nn.Linear(width, dim)

    def encode_images(self, pixels: Tensor) -> Encoded:
        """pixels: (batch, 3, height, width), normalised, sides multiples of the patch."""
        tokens = self.visual(pixels)
        return Encoded(tokens[:, 0] @ self.visual.proj, tokens[:, 1:])

    def encode_texts(self, ids: Tensor) -> Encoded:
        """ids: (batch, length <= context_length), each row with its end token.

        A text's feature is taken at its first end token, which has the largest id.
        """
        x = self.token_embedding(ids) + self.positional_embedding[: ids.shape[1]]
        words = self.ln_final(self.transformer(x, is_causal=True))
        ends = words[torch.arange(ids.shape[0], device=ids.device), ids.argmax(dim=1)]  # (batch, width)
        return Encoded(ends @ self.text_projection, words)

    def cross_attend_image(self, texts: Tensor, patches: Tensor) -> Tensor:
        """h_T: texts' features (batch, n, dim), un-normalised, with C^I over an image's tokens (batch, n, width)."""
        return F.normalize(texts + self.visual.attn_cross_pool(texts, self.image_token_mapping(patches)), dim=-1)

    def cross_attend_text(self, images: Tensor, words: Tensor) -> Tensor:
        """h_I: images' features (batch, n, dim), un-normalised, with C^T over a text's tokens (batch, n, width)."""
        return F.normalize(images + self.text_attn_cross_pool(images, self.text_token_mapping(words)), dim=-1)

    def dense(self, pixels: Tensor, *, csa: bool = False) -> Tensor:
        """A unit vector of the joint space for each patch: (batch, patches, dim).

        csa: the last block attends by q·q and k·k instead of q·k (Wang et al. 2024, SCLIP), so that a patch's vector
        describes its own position.
        """
        return F.normalize(self.visual(pixels, csa=csa)[:, 1:] @ self.visual.proj, dim=-1)

    @classmethod
    def _load_as_safetensor(  # type: ignore[override]
        cls, model: Self, model_file: str, map_location: str, strict: bool
    ) -> Self:
        """Called by from_pretrained: always strict, with the checks and the earlier names of `load_weights`."""
        return load_weights(lambda: model, Path(model_file)).to(map_location)


class ImageTower(nn.Module):
    """A ViT with a class token, norms before and after its blocks, and C^I."""

    def __init__(self, config: CosmosConfig) -> None:
        super().__init__()
        width, self.grid = config.vision_width, config.image_size // config.patch_size
        self.class_embedding = nn.Parameter(width**-0.5 * torch.randn(width))
        self.positional_embedding = nn.Parameter(width**-0.5 * torch.randn(self.grid**2 + 1, width))
        self.proj = nn.Parameter(width**-0.5 * torch.randn(width, config.embed_dim))
        self.conv1 = nn.Conv2d(3, width, config.patch_size, stride=config.patch_size, bias=False)
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = Transformer(width, config.vision_layers, config.vision_heads)
        self.attn_cross_pool = CrossAttention(config.embed_dim)  # C^I: queries are texts' features, keys are patches
        self.ln_post = nn.LayerNorm(width)

    def forward(self, pixels: Tensor, *, csa: bool = False) -> Tensor:
        """All tokens after the last norm, the class token first: (batch, 1 + patches, width)."""
        patches = self.conv1(pixels)  # (batch, width, rows, columns)
        rows, columns = int(patches.shape[2]), int(patches.shape[3])  # plain integers, also while a graph is traced
        x = torch.cat([self.class_embedding.expand(pixels.shape[0], 1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
        x = self.ln_pre(x + _positions_for(self.positional_embedding, self.grid, rows, columns))
        out: Tensor = self.ln_post(self.transformer(x, csa=csa))
        return out


def _positions_for(positions: Tensor, grid: int, rows: int, columns: int) -> Tensor:
    """Positions for another picture size, interpolated as in DINO: (1 + rows·columns, width).

    The scale factor is computed from sizes that are 0.1 too large, as in the official code, since that shifts the
    sampling points.
    """
    if rows == columns == grid:
        return positions
    square = positions[1:].reshape(1, grid, grid, -1).permute(0, 3, 1, 2)
    scale = ((rows + 0.1) / grid, (columns + 0.1) / grid)
    resized = F.interpolate(square, scale_factor=scale, mode="bicubic")
    return torch.cat([positions[:1], resized.flatten(2)[0].T])
