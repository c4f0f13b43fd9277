"""ALIGN (Jia et al. 2021): EfficientNet and BERT."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from cosmos_search.model_config import BERT_TEXT, Sizes, check_numbers, read_number, read_tower, refuse
from cosmos_search.network.families.clip import BERT, BERT_DEFAULTS
from cosmos_search.network.families.family import Family, NetworkConfig
from cosmos_search.processing.text_format import TextFormat

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Align"]

VISION_DEFAULTS = {
    "image_size": 600, "hidden_dim": 2560, "depth_divisor": 8, "hidden_act": "swish", "batch_norm_eps": 1e-3,
}  # fmt: skip
VISION_LIMITS = {"image_size": (8, 4096), "hidden_dim": (1, 16_384), "depth_divisor": (1, 64)}
SCALES = {"width_coefficient": 2.0, "depth_coefficient": 3.1, "squeeze_expansion_ratio": 0.25}
MAX_SCALE = 4
STAGES = {
    "kernel_sizes": (3, 3, 5, 3, 5, 5, 3), "in_channels": (32, 16, 24, 40, 80, 112, 192),
    "out_channels": (16, 24, 40, 80, 112, 192, 320), "strides": (1, 2, 2, 2, 1, 2, 1),
    "num_block_repeats": (1, 2, 2, 3, 3, 4, 1), "expand_ratios": (1, 6, 6, 6, 6, 6, 6),
}  # fmt: skip
MAX_STAGES = 10
STAGE_LIMITS = dict.fromkeys(STAGES, (1, 2048)) | {"num_block_repeats": (1, 16), "strides": (1, 2)}
LENGTH = 64  # tokens of the texts of its training


class Align(Family):
    """Pictures of any size can be encoded; their vectors are not projected."""

    kind = "align"

    def read_config(self, content: Mapping[str, Any], path: Path) -> NetworkConfig:
        """The values of an AlignConfig."""
        text = read_tower(content, "text_config", BERT_DEFAULTS, BERT_TEXT, path)
        vision = read_tower(content, "vision_config", VISION_DEFAULTS, VISION_LIMITS, path)
        given = content.get("vision_config") or {}
        if given.get("pooling_type", "mean") != "mean":
            refuse(path, "its image tower does not pool by the mean")
        vision |= _read_scales(given, path) | _read_stages(given, path)
        dim = read_number(content, "projection_dim", 640, path)
        length = min(LENGTH, text["max_position_embeddings"])
        sizes = Sizes("EfficientNet", None, dim, length, text["vocab_size"], "none")
        return NetworkConfig(sizes, {"vision_config": vision, "text_config": text, "projection_dim": dim})

    def make(self, config: NetworkConfig) -> "nn.Module":
        """An AlignModel."""
        from transformers import AlignConfig, AlignModel

        return AlignModel(AlignConfig(**config.values))

    def encode_images(self, model: Any, pixels: "Tensor") -> "Tensor":
        """The mean of the last map; ONNX has no equivalent of the network's own pooling layer."""
        return self.encode_patches(model, pixels).mean(dim=1)

    def encode_texts(self, model: Any, ids: "Tensor") -> "Tensor":
        """The first token, projected."""
        features: Tensor = model.text_projection(model.text_model(input_ids=ids).last_hidden_state[:, 0])
        return features

    def encode_patches(self, model: Any, pixels: "Tensor") -> "Tensor":
        """The places of the last map."""
        vision = model.vision_model
        last: Tensor = vision.encoder(vision.embeddings(pixels)).last_hidden_state  # (n, dim, rows, columns)
        return last.flatten(2).transpose(1, 2)

    def text_format(self, tokenizer: Tokenizer) -> TextFormat:
        """BERT's."""
        return BERT


def _read_scales(given: Mapping[str, Any], path: Path) -> dict[str, float]:
    values = {name: given.get(name, default) for name, default in SCALES.items()}
    for name, value in values.items():
        if type(value) not in (int, float) or not 0 < value <= MAX_SCALE:
            refuse(path, f"{name} must lie between 0 and {MAX_SCALE}")
    return values


def _read_stages(given: Mapping[str, Any], path: Path) -> dict[str, list[int]]:
    """One number for each stage of the image tower, and the blocks without padding."""
    values = {name: given.get(name, list(default)) for name, default in STAGES.items()}
    for name, value in values.items():
        if not isinstance(value, list) or not len(value) == len(values["kernel_sizes"]) <= MAX_STAGES:
            refuse(path, f"{name} is not a list with a number for each stage")
        for number in value:
            check_numbers({name: number}, {name: STAGE_LIMITS[name]}, path)
    padding = given.get("depthwise_padding") or []
    if not isinstance(padding, list) or not all(type(number) is int for number in padding):
        refuse(path, "depthwise_padding is not a list of whole numbers")
    return values | {"depthwise_padding": padding}
