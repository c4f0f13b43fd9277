"""CLIP (Radford et al. 2021) and its successors with the same image tower: MetaCLIP 2, Chinese-CLIP, AltCLIP."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from cosmos_search.model_config import (
    BERT_TEXT,
    CLIP_TEXT,
    CLIP_VISION,
    CLIP_VOCAB_SIZE,
    OLD_END,
    TOKENS,
    WIDTH,
    EndToken,
    ModelKind,
    Sizes,
    describe_vit,
    read_number,
    read_tower,
)
from cosmos_search.network.families.family import Family, NetworkConfig
from cosmos_search.processing.text_format import CLIP_FORMAT, TextFormat, keep

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["AltClip", "ChineseClip", "Clip", "MetaClip2"]

VISION_DEFAULTS = {  # CLIPConfig's, which files leave out
    "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
    "image_size": 224, "patch_size": 32, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
}  # fmt: skip
TEXT_DEFAULTS = {
    "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 8,
    "max_position_embeddings": 77, "vocab_size": CLIP_VOCAB_SIZE, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
    "bos_token_id": 49406, "eos_token_id": 49407,
}  # fmt: skip
BERT_DEFAULTS = {
    "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
    "max_position_embeddings": 512, "vocab_size": 30_522, "type_vocab_size": 2, "pad_token_id": 0,
    "hidden_act": "gelu", "layer_norm_eps": 1e-12,
}  # fmt: skip
ROBERTA_DEFAULTS = BERT_DEFAULTS | {
    "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
    "max_position_embeddings": 514, "vocab_size": 250_002, "type_vocab_size": 1, "pad_token_id": 1,
    "layer_norm_eps": 1e-5, "project_dim": 768,
}  # fmt: skip
XLM_ROBERTA = TextFormat(keep, end=("</s>",), start=("<s>",), needs_start=False)  # T5's vocabularies have no start
BERT = TextFormat(keep, end=("[SEP]",), start=("[CLS]",))
CHINESE_CLIP_LENGTH, ALTCLIP_LENGTH = 52, 77  # tokens of the texts of their training


class Clip(Family):
    """The text tower is causal, so rows need no padding."""

    kind: ModelKind = "clip"

    def read_config(self, content: Mapping[str, Any], path: Path) -> NetworkConfig:
        """The values of a CLIPConfig."""
        text = read_tower(content, "text_config", TEXT_DEFAULTS, CLIP_TEXT | TOKENS, path)
        end = self._end_token(text["eos_token_id"])
        return self._combine(content, text, text["max_position_embeddings"], end, 512, path)

    def make(self, config: NetworkConfig) -> "nn.Module":
        """A CLIPModel."""
        from transformers import CLIPConfig, CLIPModel

        return CLIPModel(CLIPConfig(**config.values))

    def encode_images(self, model: Any, pixels: "Tensor") -> "Tensor":
        """The class token, projected."""
        features: Tensor = model.visual_projection(model.vision_model(pixel_values=pixels).pooler_output)
        return features

    def encode_texts(self, model: Any, ids: "Tensor") -> "Tensor":
        """The end token, projected."""
        features: Tensor = model.text_projection(model.text_model(input_ids=ids).pooler_output)
        return features

    def encode_patches(self, model: Any, pixels: "Tensor") -> "Tensor":
        """The patches, normalised and projected as the class token is."""
        vision = model.vision_model
        tokens = vision(pixel_values=pixels).last_hidden_state[:, 1:]
        features: Tensor = model.visual_projection(vision.post_layernorm(tokens))
        return features

    def text_format(self, tokenizer: Tokenizer) -> TextFormat:
        """CLIP's."""
        return CLIP_FORMAT

    def is_english(self, vocab_size: int) -> bool:
        """True for CLIP's vocabulary; others belong to networks for other languages."""
        return vocab_size == CLIP_VOCAB_SIZE

    def _end_token(self, id_: int) -> EndToken:
        return "largest" if id_ == OLD_END else id_

    def _combine(
        self, content: Mapping[str, Any], text: dict[str, Any], length: int, end: EndToken, dim: int, path: Path
    ) -> NetworkConfig:
        vision = read_tower(content, "vision_config", VISION_DEFAULTS, CLIP_VISION, path)
        dim = read_number(content, "projection_dim", dim, path)
        network = describe_vit(vision["hidden_size"], vision["patch_size"])
        sizes = Sizes(network, vision["image_size"], dim, length, text["vocab_size"], end)
        return NetworkConfig(sizes, {"vision_config": vision, "text_config": text, "projection_dim": dim})


class MetaClip2(Clip):
    """CLIP with a vocabulary of many languages (Chuang et al. 2025): XLM-V's, or mT5's in the smaller networks."""

    kind = "metaclip_2"

    def make(self, config: NetworkConfig) -> "nn.Module":
        """A MetaClip2Model."""
        from transformers import MetaClip2Config, MetaClip2Model

        return MetaClip2Model(MetaClip2Config(**config.values))

    def text_format(self, tokenizer: Tokenizer) -> TextFormat:
        """XLM-R's."""
        return XLM_ROBERTA

    def is_english(self, vocab_size: int) -> bool:
        """False: the texts of its training are in 329 languages."""
        return False

    def _end_token(self, id_: int) -> EndToken:
        return id_


class ChineseClip(Clip):
    """CLIP with a Chinese RoBERTa, which has BERT's network, as the text tower (Yang et al. 2022)."""

    kind = "chinese_clip"

    def read_config(self, content: Mapping[str, Any], path: Path) -> NetworkConfig:
        """The values of a ChineseCLIPConfig."""
        text = read_tower(content, "text_config", BERT_DEFAULTS, BERT_TEXT, path)
        length = min(CHINESE_CLIP_LENGTH, text["max_position_embeddings"])
        return self._combine(content, text, length, "none", 512, path)

    def make(self, config: NetworkConfig) -> "nn.Module":
        """A ChineseCLIPModel."""
        from transformers import ChineseCLIPConfig, ChineseCLIPModel

        return ChineseCLIPModel(ChineseCLIPConfig(**config.values))

    def encode_texts(self, model: Any, ids: "Tensor") -> "Tensor":
        """The first token, projected."""
        features: Tensor = model.text_projection(model.text_model(input_ids=ids).last_hidden_state[:, 0])
        return features

    def text_format(self, tokenizer: Tokenizer) -> TextFormat:
        """BERT's."""
        return BERT

    def is_english(self, vocab_size: int) -> bool:
        """False: the texts of its training are Chinese."""
        return False


class AltClip(Clip):
    """CLIP with XLM-R as the text tower (Chen et al. 2022)."""

    kind = "altclip"

    def read_config(self, content: Mapping[str, Any], path: Path) -> NetworkConfig:
        """The values of an AltCLIPConfig."""
        text = read_tower(content, "text_config", ROBERTA_DEFAULTS, BERT_TEXT | {"project_dim": WIDTH}, path)
        n_positions = text["max_position_embeddings"] - text["pad_token_id"] - 1  # they begin after that of padding
        return self._combine(content, text, min(ALTCLIP_LENGTH, n_positions), "none", 768, path)

    def make(self, config: NetworkConfig) -> "nn.Module":
        """An AltCLIPModel."""
        from transformers import AltCLIPConfig, AltCLIPModel

        return AltCLIPModel(AltCLIPConfig(**config.values))

    def text_format(self, tokenizer: Tokenizer) -> TextFormat:
        """XLM-R's."""
        return XLM_ROBERTA

    def is_english(self, vocab_size: int) -> bool:
        """False: it has versions for two and for nine languages."""
        return False
