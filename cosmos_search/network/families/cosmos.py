"""COSMOS, as `cosmos_search.network.cosmos` implements it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from cosmos_search.model_config import Sizes, cosmos_values, describe_vit
from cosmos_search.network.families.family import Family, NetworkConfig
from cosmos_search.processing.text_format import CLIP_FORMAT, TextFormat

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Cosmos"]

LOCAL_CROP = 96 / 224  # it was trained on local crops of this share of the side


class Cosmos(Family):
    """The text tower is causal, so rows need no padding."""

    kind = "cosmos"

    def read_config(self, content: Mapping[str, Any], path: Path) -> NetworkConfig:
        """The values of a CosmosConfig."""
        v = cosmos_values(content, path)
        side, patch = v["image_size"], v["patch_size"]
        crop_side = max(1, round(side * LOCAL_CROP / patch)) * patch
        network = describe_vit(v["vision_width"], patch)
        sizes = Sizes(network, side, v["embed_dim"], v["context_length"], v["vocab_size"], "largest", crop_side)
        return NetworkConfig(sizes, v)

    def make(self, config: NetworkConfig) -> "nn.Module":
        """A CosmosModel."""
        from cosmos_search.network.cosmos import CosmosConfig, CosmosModel

        return CosmosModel(CosmosConfig(**config.values))

    def encode_images(self, model: Any, pixels: "Tensor") -> "Tensor":
        """The class token's features."""
        features: Tensor = model.encode_images(pixels).features
        return features

    def encode_texts(self, model: Any, ids: "Tensor") -> "Tensor":
        """The features at the end token."""
        features: Tensor = model.encode_texts(ids).features
        return features

    def encode_patches(self, model: Any, pixels: "Tensor") -> "Tensor":
        """The patches after a last block that attends by q·q and k·k; see `CosmosModel.dense`."""
        dense: Tensor = model.dense(pixels, csa=True)
        return dense

    def text_format(self, tokenizer: Tokenizer) -> TextFormat:
        """CLIP's."""
        return CLIP_FORMAT
