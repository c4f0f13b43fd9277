"""The network of the built-in encoder while it is trained: a frozen trunk, trainable last blocks, and a linear head.

As in locked-image tuning (Zhai et al. 2022), pre-trained towers are kept: MiniLM, the text tower, is frozen, and of
EfficientNet-Lite2, the image tower, at most the last blocks are trained. What the frozen parts compute is cached
(trainer.data.features), so a forward pass starts from feature maps and from text vectors.

A picture's vector is unit((1 - s) · ConSE + s · head), with ConSE of Norouzi et al. 2014 (see
cosmos_search.encoders.mini.class_vectors) and a linear head over pooled features. Both are functions of pooled
features, so the vector of a region is that of the features pooled inside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from cosmos_search.model_config import MINI_BATCH_NORM_EPSILON, MINI_DIM, MINI_FEATURES, MINI_MEANS, MINI_POOLED
from cosmos_search.network.cosmos import Encoded
from cosmos_search.network.cross_attention import CrossAttention

__all__ = ["LAST_BLOCK", "MiniNetwork", "MiniNetworkConfig"]

INITIAL_SCALE = log(1 / 0.07)
LAST_BLOCK = 20  # of EfficientNet-Lite2
HEAD_TEMPERATURE = 0.05  # of the head's cosines with the texts of the classes
CPU_CHUNK = 16  # maps at a time; on 2 cores this takes 5.6 ms a map with the backward pass, 256 at once take 14.5
Weights = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class MiniNetworkConfig:
    """The values by which networks, and ways to train them, differ."""

    first_block: int = 19  # of the backbone, 16 to 20; its input is cached
    train_blocks: bool = True  # those from first_block on, and the last convolution; otherwise only the head
    head_share: float = 0.6  # s above
    temperature: float = 1.5  # of ConSE's softmax over the classes
    dropout: float = 0.3  # of the features that the head takes
    # Weights of penalties for other class probabilities than the untrained backbone's:
    keep_classes: float = 1.0  # those of the trained blocks' features
    head_classes: float = 0.5  # those of the head's vectors, by their cosines with the texts of the classes
    model_type: Literal["cosmos-mini"] = "cosmos-mini"


class MiniNetwork(nn.Module):
    """Offers the calls of `CosmosModel` that training makes, with cached features as input.

    Student and teacher are both this. The frozen classifier and class vectors are buffers.
    """

    feature_mean: Tensor
    feature_std: Tensor
    class_vectors: Tensor
    class_weight: Tensor
    class_bias: Tensor

    def __init__(self, config: MiniNetworkConfig, backbone: Weights, class_vectors: NDArray[np.float32]) -> None:
        """backbone: EfficientNet-Lite2's weights. class_vectors: (1000, 384), unit rows, not centred."""
        super().__init__()
        self.config = config
        self.blocks = nn.ModuleList(_Block(backbone, number) for number in range(config.first_block, LAST_BLOCK + 1))
        self.n_channels = backbone[f"_blocks.{config.first_block}._expand_conv.weight"].shape[1]  # of cached maps
        self.last = _Convolution(backbone, "_conv_head", "_bn1", is_clipped=True)
        self.blocks.requires_grad_(config.train_blocks)
        self.last.requires_grad_(config.train_blocks)
        self.head = nn.Linear(MINI_POOLED, MINI_DIM)
        nn.init.normal_(self.head.weight, std=MINI_POOLED**-0.5)
        self.image_token_mapping = nn.Linear(MINI_FEATURES, MINI_DIM)
        self.text_token_mapping = nn.Linear(MINI_DIM, MINI_DIM)
        self.image_attn_cross_pool = CrossAttention(MINI_DIM)
        self.text_attn_cross_pool = CrossAttention(MINI_DIM)
        self.logit_scale = nn.Parameter(torch.tensor(INITIAL_SCALE))
        self.distill_logit_scale = nn.Parameter(torch.tensor(INITIAL_SCALE))
        vectors = torch.from_numpy(class_vectors).float()
        self.register_buffer("class_vectors", vectors - vectors.mean(dim=0))
        self.register_buffer("class_weight", torch.from_numpy(backbone["_fc.weight"]).float())
        self.register_buffer("class_bias", torch.from_numpy(backbone["_fc.bias"]).float())
        self.register_buffer("feature_mean", torch.zeros(MINI_POOLED))
        self.register_buffer("feature_std", torch.ones(MINI_POOLED))

    def encode_map(self, maps: Tensor) -> Tensor:
        """From the input of `first_block`, (n, channels, rows, columns), to (n, 1280, rows, columns)."""
        chunk = CPU_CHUNK if maps.device.type == "cpu" else len(maps)
        parts = []
        for x in maps.contiguous(memory_format=torch.channels_last).split(chunk):  # type: ignore[no-untyped-call]
            for block in self.blocks:
                x = block(x)
            parts.append(self.last(x))
        return torch.cat(parts)

    def embed(self, features: Tensor) -> Tensor:
        """Pooled features, first those of the last map, then the means of earlier ones: (n, 1472) to unit (n, 384)."""
        return self.mix(features, self.embed_head(features))

    def mix(self, features: Tensor, head: Tensor) -> Tensor:
        """ConSE's vectors of pooled features (n, 1472) and the head's (n, 384) in their shares: unit (n, 384)."""
        classes = F.softmax(self.classify(features) / self.config.temperature, dim=-1) @ self.class_vectors
        share = self.config.head_share
        return F.normalize((1 - share) * F.normalize(classes, dim=-1) + share * head, dim=-1)

    def embed_head(self, features: Tensor) -> Tensor:
        """The head alone: (n, 1472) to unit (n, 384)."""
        scaled = (features - self.feature_mean) / self.feature_std
        return F.normalize(self.head(F.dropout(scaled, self.config.dropout, self.training)), dim=-1)

    def classify(self, features: Tensor) -> Tensor:
        """(n, 1472) to the logits of ImageNet's classes (n, 1000)."""
        return F.linear(features[..., :MINI_FEATURES], self.class_weight, self.class_bias)

    def encode_images(self, rows: Tensor) -> Encoded:
        """rows: (n, length), cached features of views (trainer.data.features). Tokens are positions of the last map.

        Rows may lack the cached map, (n, 1472), if no block is trained; then there are no tokens.
        The penalty is the KL divergence from the untrained backbone's class probabilities (see the config).
        """
        maps, untrained, means = torch.split(
            rows.float(), [rows.shape[1] - MINI_POOLED, MINI_FEATURES, MINI_MEANS], dim=1
        )
        if maps.shape[1]:
            side = round((maps.shape[1] / self.n_channels) ** 0.5)
            features = self.encode_map(maps.reshape(-1, self.n_channels, side, side))
            tokens, pooled = features.flatten(2).transpose(1, 2), torch.cat([features.mean(dim=(2, 3)), means], dim=1)
        else:
            tokens, pooled = rows.new_zeros(len(rows), 0, MINI_FEATURES), torch.cat([untrained, means], dim=1)
        head = self.embed_head(pooled)
        return Encoded(self.mix(pooled, head), tokens, self._penalize(untrained, pooled, head))

    def _penalize(self, untrained: Tensor, pooled: Tensor, head: Tensor) -> Tensor | None:
        """The penalty of each view, (n, 1); None if both are off."""
        wanted = F.log_softmax(self.classify(untrained) / self.config.temperature, dim=-1)
        penalties = []
        if self.config.keep_classes and self.config.train_blocks:
            found = F.log_softmax(self.classify(pooled) / self.config.temperature, dim=-1)
            penalties.append(self.config.keep_classes * _divergence(wanted, found))
        if self.config.head_classes:
            cosines = head @ F.normalize(self.class_vectors, dim=-1).T
            found = F.log_softmax(cosines / HEAD_TEMPERATURE, dim=-1)
            penalties.append(self.config.head_classes * _divergence(wanted, found))
        return torch.stack(penalties).sum(dim=0) if penalties else None

    def encode_texts(self, rows: Tensor) -> Encoded:
        """rows: (n, 1 + length, 384), the cached vector of each caption, then its words, which may be left out."""
        return Encoded(rows[:, 0].float(), rows[:, 1:].float())

    def export_tensors(self) -> dict[str, Tensor]:
        """The trained weights as `models.trained.read_trained` reads them, half precision.

        Batch norms take the trained offsets, and the head the standardization of its features.
        """
        tensors: dict[str, Tensor] = {}
        if self.config.train_blocks:
            for number, block in enumerate(self.blocks, start=self.config.first_block):
                assert isinstance(block, _Block)
                parts = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))
                for (name, norm), part in zip(parts, (block.expand, block.depthwise, block.project), strict=True):
                    tensors |= part.export_tensors(f"_blocks.{number}.{name}", f"_blocks.{number}.{norm}")
            tensors |= self.last.export_tensors("_conv_head", "_bn1")
        weight = self.head.weight / self.feature_std
        tensors |= {"head.weight": weight, "head.bias": self.head.bias - weight @ self.feature_mean}
        return {name: tensor.detach().half().contiguous().cpu() for name, tensor in tensors.items()}

    def cross_attend_image(self, texts: Tensor, patches: Tensor) -> Tensor:
        """h_T of the paper, as in `CosmosModel`: texts (batch, n, 384), patches (batch, positions, 1280)."""
        return F.normalize(texts + self.image_attn_cross_pool(texts, self.image_token_mapping(patches)), dim=-1)

    def cross_attend_text(self, images: Tensor, words: Tensor) -> Tensor:
        """h_I of the paper, as in `CosmosModel`: images (batch, n, 384), words (batch, length, 384)."""
        return F.normalize(images + self.text_attn_cross_pool(images, self.text_token_mapping(words)), dim=-1)


def _divergence(wanted: Tensor, found: Tensor) -> Tensor:
    """KL(wanted || found) of logarithms of probabilities: (n, classes) to (n, 1)."""
    return F.kl_div(found, wanted, reduction="none", log_target=True).sum(dim=-1, keepdim=True)


class _Convolution(nn.Module):
    """A convolution with frozen batch norm, whose scale and offset are folded into weight and bias."""

    scale: Tensor
    mean: Tensor

    def __init__(self, weights: Weights, name: str, norm: str, *, is_clipped: bool = False) -> None:
        super().__init__()
        kernel = torch.from_numpy(weights[f"{name}.weight"]).float()  # (outputs, inputs or 1, size, size)
        deviation = np.sqrt(weights[f"{norm}.running_var"].astype(np.float64) + MINI_BATCH_NORM_EPSILON)
        scale = torch.from_numpy(weights[f"{norm}.weight"] / deviation).float()
        self.weight = nn.Parameter(kernel)
        self.register_buffer("scale", scale)
        self.register_buffer("mean", torch.from_numpy(weights[f"{norm}.running_mean"]).float())
        offset = torch.from_numpy(weights[f"{norm}.bias"]).float()
        self.bias = nn.Parameter(offset - self.mean * scale)
        self.groups = len(kernel) if name.endswith("_depthwise_conv") else 1
        self.is_clipped = is_clipped

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight * self.scale[:, None, None, None]
        y = F.conv2d(x, kernel, self.bias, padding=kernel.shape[2] // 2, groups=self.groups)
        return F.relu6(y) if self.is_clipped else y

    def export_tensors(self, name: str, norm: str) -> dict[str, Tensor]:
        """Weight and batch norm's offset by the backbone's names; its other parameters are not trained."""
        return {f"{name}.weight": self.weight, f"{norm}.bias": self.bias + self.mean * self.scale}


class _Block(nn.Module):
    """An inverted bottleneck of stride 1 (Sandler et al. 2018): expand, filter each channel, project, add the input."""

    def __init__(self, weights: Weights, number: int) -> None:
        super().__init__()
        name = f"_blocks.{number}"
        self.expand = _Convolution(weights, f"{name}._expand_conv", f"{name}._bn0", is_clipped=True)
        self.depthwise = _Convolution(weights, f"{name}._depthwise_conv", f"{name}._bn1", is_clipped=True)
        self.project = _Convolution(weights, f"{name}._project_conv", f"{name}._bn2")

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return y + x if y.shape == x.shape else y
