"""The COSMOS network (Kim et al., CVPR 2025): two towers, two cross-attentions, two scales.

The towers' blocks are CLIP's, as transformers maintains them. What COSMOS adds stands here: pictures of any size
(DINO's interpolation of positions), tokens beside features, cross-attention, and dense features.
"""

from dataclasses import dataclass
from math import log
from typing import Literal

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn
from torch.nn import functional as F

from cosmos_search.network.blocks import csa_block, initialise_as_clip, transformer_blocks
from cosmos_search.network.cross_attention import CrossAttention

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
    vocab_size: int = 49408
    model_type: Literal["cosmos"] = "cosmos"


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a tower makes of a batch.

    features: (batch, embed_dim), not normalised. raw_tokens: (batch, n, width) after the last norm: patches
    row by row from the top left, or all positions of the text, padding included. tokens: (batch, n, embed_dim),
    mapped; keys and values of cross-attention.
    """

    features: Tensor
    raw_tokens: Tensor
    tokens: Tensor


class CosmosModel(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="cosmos-search",
    license="mit",
    paper_url="https://arxiv.org/abs/2412.01814",
):
    """Student and teacher are both this. Saved and loaded in the Hugging Face layout."""

    def __init__(self, config: CosmosConfig) -> None:
        super().__init__()
        assert config.text_width == config.embed_dim, (config.text_width, config.embed_dim)
        self.config = config
        self.vision = VisionTower(config)
        self.text = TextTower(config)
        self.image_token_map = nn.Linear(config.vision_width, config.embed_dim)
        self.text_token_map = nn.Linear(config.text_width, config.embed_dim)
        self.image_attention = CrossAttention(config.embed_dim)  # C^I: a text's feature asks the patches
        self.text_attention = CrossAttention(config.embed_dim)  # C^T: a picture's feature asks the words
        self.logit_scale = nn.Parameter(torch.tensor(INITIAL_SCALE))  # both are logarithms
        self.distill_logit_scale = nn.Parameter(torch.tensor(INITIAL_SCALE))

    def encode_images(self, pixels: Tensor) -> Encoded:
        """pixels: (batch, 3, height, width), normalised, sides multiples of the patch."""
        features, patches = self.vision(pixels)
        return Encoded(features, patches, self.image_token_map(patches))

    def encode_texts(self, ids: Tensor) -> Encoded:
        """ids: (batch, length <= context_length), each row with its end token."""
        features, words = self.text(ids)
        return Encoded(features, words, self.text_token_map(words))

    def ask_image(self, texts: Tensor, image_tokens: Tensor) -> Tensor:
        """h_T: texts (batch, n, dim), un-normalised, after a look at the mapped patches (batch, patches, dim)."""
        return F.normalize(texts + self.image_attention(texts, image_tokens), dim=-1)

    def ask_text(self, images: Tensor, text_tokens: Tensor) -> Tensor:
        """h_I: images (batch, n, dim), un-normalised, after a look at the mapped words (batch, length, dim)."""
        return F.normalize(images + self.text_attention(images, text_tokens), dim=-1)

    def dense(self, pixels: Tensor, *, csa: bool = False) -> Tensor:
        """A unit vector of the joint space for each patch: (batch, patches, dim).

        csa: the last block attends by q·q and k·k instead of q·k (Wang et al. 2024, SCLIP), which keeps a patch's
        vector about its own place.
        """
        return F.normalize(self.vision.tokens(pixels, csa=csa)[:, 1:] @ self.vision.projection, dim=-1)


class VisionTower(nn.Module):
    """A ViT with a class token, and norms before and after its blocks."""

    def __init__(self, config: CosmosConfig) -> None:
        super().__init__()
        width, self.grid = config.vision_width, config.image_size // config.patch_size
        self.patch_embedding = nn.Conv2d(3, width, config.patch_size, stride=config.patch_size, bias=False)
        self.class_embedding = nn.Parameter(width**-0.5 * torch.randn(width))
        self.positions = nn.Parameter(width**-0.5 * torch.randn(self.grid**2 + 1, width))
        self.norm_before = nn.LayerNorm(width)
        self.blocks = transformer_blocks(width, config.vision_layers, config.vision_heads)
        self.norm_after = nn.LayerNorm(width)
        self.projection = nn.Parameter(width**-0.5 * torch.randn(width, config.embed_dim))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Features (batch, embed_dim) and patch tokens (batch, patches, width)."""
        tokens = self.tokens(pixels)
        return tokens[:, 0] @ self.projection, tokens[:, 1:]

    def tokens(self, pixels: Tensor, *, csa: bool = False) -> Tensor:
        """(batch, 1 + patches, width), the class token first."""
        patches = self.patch_embedding(pixels)  # (batch, width, rows, columns)
        rows, columns = int(patches.shape[2]), int(patches.shape[3])  # numbers, also where a graph is traced
        x = torch.cat([self.class_embedding.expand(pixels.shape[0], 1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
        x = self.norm_before(x + _positions_for(self.positions, self.grid, rows, columns))
        *first, last = self.blocks
        for block in first:
            x = block(x, None)
        out: Tensor = self.norm_after(csa_block(last, x) if csa else last(x, None))
        return out


class TextTower(nn.Module):
    """A causal transformer; a text's feature is taken at its first end token, the largest id there is."""

    def __init__(self, config: CosmosConfig) -> None:
        super().__init__()
        width = config.text_width
        self.token_embedding = nn.Embedding(config.vocab_size, width)
        self.positions = nn.Parameter(0.01 * torch.randn(config.context_length, width))
        self.blocks = transformer_blocks(width, config.text_layers, config.text_heads)
        self.norm_after = nn.LayerNorm(width)
        self.projection = nn.Parameter(width**-0.5 * torch.randn(width, config.embed_dim))
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        initialise_as_clip(self.blocks, width)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Features (batch, embed_dim) and word tokens (batch, length, width)."""
        x = self.token_embedding(ids) + self.positions[: ids.shape[1]]
        for block in self.blocks:
            x = block(x, None, is_causal=True)
        words = self.norm_after(x)
        ends = words[torch.arange(ids.shape[0], device=ids.device), ids.argmax(dim=1)]  # (batch, width)
        return ends @ self.projection, words


def _positions_for(positions: Tensor, grid: int, rows: int, columns: int) -> Tensor:
    """Positions for another picture size, as DINO interpolates them: (1 + rows·columns, width).

    The scale factor is given 0.1 too much, as in the official code; it moves the sampling points, so it counts.
    """
    if rows == columns == grid:
        return positions
    square = positions[1:].reshape(1, grid, grid, -1).permute(0, 3, 1, 2)
    scale = ((rows + 0.1) / grid, (columns + 0.1) / grid)
    resized = F.interpolate(square, scale_factor=scale, mode="bicubic")
    return torch.cat([positions[:1], resized.flatten(2)[0].T])
