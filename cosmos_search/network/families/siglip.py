"""SigLIP (Zhai et al. 2023) and SigLIP 2 with fixed resolution (Tschannen et al. 2025), which share a network."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer, models

from cosmos_search.model_config import (
    CLIP_TEXT,
    CLIP_VISION,
    Sizes,
    describe_vit,
    read_number,
    read_tower,
    refuse,
)
from cosmos_search.network.families.family import Family, NetworkConfig, Sigmoid
from cosmos_search.processing.text_format import TextFormat, lower, lower_without_punctuation

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Siglip"]

TOWER = {
    "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
    "hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6,
}  # fmt: skip
VISION_DEFAULTS = TOWER | {"image_size": 224, "patch_size": 16}
TEXT_DEFAULTS = TOWER | {"max_position_embeddings": 64, "vocab_size": 32_000}
SIGLIP = TextFormat(lower_without_punctuation, end=("</s>",), pad=("</s>",))
SIGLIP_2 = TextFormat(lower, end=("<eos>",), pad=("<pad>",))
ENGLISH_VOCAB_SIZE = 32_000  # of T5's English vocabulary; the networks for many languages have 250,000 and more


class Siglip(Family):
    """A text's vector is taken at its last position, so rows are padded to the length of the training."""

    kind = "siglip"

    def read_config(self, content: Mapping[str, Any], path: Path) -> NetworkConfig:
        """The values of a SiglipConfig."""
        vision = read_tower(content, "vision_config", VISION_DEFAULTS, CLIP_VISION, path)
        text = read_tower(content, "text_config", TEXT_DEFAULTS, CLIP_TEXT, path)
        if (content.get("vision_config") or {}).get("vision_use_head", True) is not True:
            refuse(path, "its image tower has no pooling head")
        given = content.get("text_config") or {}
        dim = read_number({"projection_size": given.get("projection_size") or text["hidden_size"]},
                          "projection_size", 0, path)  # fmt: skip
        if dim != vision["hidden_size"]:
            refuse(path, f"its texts have {dim} dimensions and its pictures {vision['hidden_size']}")
        network = describe_vit(vision["hidden_size"], vision["patch_size"])
        length = text["max_position_embeddings"]
        sizes = Sizes(network, vision["image_size"], dim, length, text["vocab_size"], "none")
        return NetworkConfig(sizes, {"vision_config": vision, "text_config": text | {"projection_size": dim}})

    def make(self, config: NetworkConfig) -> "nn.Module":
        """A SiglipModel."""
        from transformers import SiglipConfig, SiglipModel

        # ids of tokens that the network does not use; the default ones are beyond small vocabularies
        unused = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"))
        values = config.values | {"text_config": config.values["text_config"] | unused}
        return SiglipModel(SiglipConfig(**values))

    def encode_images(self, model: Any, pixels: "Tensor") -> "Tensor":
        """The attention pooling of all patches."""
        features: Tensor = model.vision_model(pixel_values=pixels).pooler_output
        return features

    def encode_texts(self, model: Any, ids: "Tensor") -> "Tensor":
        """The last position, projected."""
        features: Tensor = model.text_model(input_ids=ids).pooler_output
        return features

    def encode_patches(self, model: Any, pixels: "Tensor") -> "Tensor":
        """The attention pooling of each patch by itself."""
        tokens = model.vision_model(pixel_values=pixels).last_hidden_state  # (n, patches, width)
        features: Tensor = model.vision_model.head(tokens.flatten(0, 1)[:, None])
        return features.reshape(tokens.shape)

    def text_format(self, tokenizer: Tokenizer) -> TextFormat:
        """SigLIP's with its Unigram vocabularies, SigLIP 2's with Gemma's byte-pair encoding."""
        return SIGLIP_2 if isinstance(tokenizer.model, models.BPE) else SIGLIP

    def sigmoid(self, model: Any) -> Sigmoid | None:
        """The scale and the bias that were trained with the towers."""
        return Sigmoid(model.logit_scale.exp().item(), model.logit_bias.item())

    def is_english(self, vocab_size: int) -> bool:
        """True for SigLIP's smaller vocabulary."""
        return vocab_size <= ENGLISH_VOCAB_SIZE
