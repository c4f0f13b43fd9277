"""Small networks with random weights of every family, saved in the hub's layout by transformers' own classes."""

import json
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tokenizers
import torch
from tokenizers import models, normalizers, pre_tokenizers
from transformers import (
    AlignConfig,
    AlignModel,
    AltCLIPConfig,
    AltCLIPModel,
    BertTokenizer,
    ChineseCLIPConfig,
    ChineseCLIPModel,
    MetaClip2Config,
    MetaClip2Model,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipModel,
    XLMRobertaTokenizer,
)
from transformers.models.align.configuration_align import AlignVisionConfig  # noqa: F401  so that a move is noticed
from transformers.models.siglip2.tokenization_siglip2 import Siglip2Tokenizer

LETTERS = string.ascii_lowercase + string.digits + "!?.,'äéß犬猫の狗"
TOWER = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2}
VISION = TOWER | {"image_size": 32, "patch_size": 16}
ALIGN_VISION = {
    "image_size": 32, "width_coefficient": 0.25, "depth_coefficient": 0.25, "hidden_dim": 8,
    "kernel_sizes": [3, 5], "in_channels": [32, 16], "out_channels": [16, 24], "strides": [1, 2],
    "num_block_repeats": [1, 2], "expand_ratios": [1, 6],
}  # fmt: skip
HALF = [0.5, 0.5, 0.5]
CLIP_PIXELS = {
    "image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 32}, "resample": 3, "do_center_crop": True,
    "crop_size": {"height": 32, "width": 32}, "image_mean": [0.48, 0.46, 0.41], "image_std": [0.27, 0.26, 0.28],
}  # fmt: skip
SIGLIP_PIXELS = {
    "image_processor_type": "SiglipImageProcessor", "size": {"height": 32, "width": 32}, "resample": 3,
    "image_mean": HALF, "image_std": HALF,
}  # fmt: skip
ALIGN_PIXELS = {
    "image_processor_type": "EfficientNetImageProcessor", "size": {"height": 40, "width": 40}, "resample": 2,
    "do_center_crop": True, "crop_size": {"height": 32, "width": 32}, "rescale_factor": 1 / 127.5,
    "rescale_offset": True, "do_normalize": False, "include_top": False, "image_mean": HALF, "image_std": HALF,
}  # fmt: skip


@dataclass(frozen=True)
class Saved:
    """A model directory, with the library's own model and tokenizer, and how the library encodes texts with it."""

    folder: Path
    model: Any
    tokenizer: Any
    padding: dict[str, Any]


def save_family(name: str, folder: Path) -> Saved:
    """Write a model directory of this family; two networks of SigLIP differ in their tokenizers."""
    torch.manual_seed(0)
    tokenizer, padding, pixels = _make_tokenizer(name), dict[str, Any](), CLIP_PIXELS
    text = TOWER | {"vocab_size": len(tokenizer), "max_position_embeddings": 16}
    if name in ("siglip", "siglip2"):
        config = SiglipConfig(text_config=text | NO_SPECIALS, vision_config=VISION)
        model, pixels = SiglipModel(config), SIGLIP_PIXELS
        padding = {"padding": "max_length", "max_length": 16, "truncation": True}
    elif name == "metaclip_2":
        text |= {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1}
        model = MetaClip2Model(MetaClip2Config(text_config=text, vision_config=VISION, projection_dim=24))
    elif name == "chinese_clip":
        model = ChineseCLIPModel(ChineseCLIPConfig(text_config=text, vision_config=VISION, projection_dim=24))
    elif name == "altclip":
        text |= {"project_dim": 20, "max_position_embeddings": 18, "initializer_factor": 1.0}
        model = AltCLIPModel(AltCLIPConfig(text_config=text, vision_config=VISION, projection_dim=24))
    else:
        model, pixels = (
            AlignModel(AlignConfig(text_config=text, vision_config=ALIGN_VISION, projection_dim=8)),
            ALIGN_PIXELS,
        )
        padding = {"padding": "max_length", "max_length": 16, "truncation": True}
        _randomise(model)
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(pixels))
    return Saved(folder, model, tokenizer, padding)


NO_SPECIALS = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"))


def _make_tokenizer(name: str) -> Any:
    if name == "siglip":
        return _make_siglip_tokenizer()
    if name == "siglip2":
        symbols = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "\u2581", *LETTERS, "do", "dog", "\u2581dog"]
        vocabulary = {symbol: i for i, symbol in enumerate(symbols)}
        made = Siglip2Tokenizer(vocabulary, [("d", "o"), ("do", "g"), ("\u2581", "dog")])
        made.add_eos_token, made.padding_side = True, "right"
        return made
    if name in ("metaclip_2", "altclip"):
        pieces = ["<s>", "<pad>", "</s>", "<unk>", "\u2581", *LETTERS, "\u2581dog", "og"]
        return XLMRobertaTokenizer([(piece, -float(i % 7)) for i, piece in enumerate(pieces)] + [("<mask>", 0.0)])
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *("##" + letter for letter in LETTERS), "dog"]
    return BertTokenizer({piece: i for i, piece in enumerate(pieces)})


def _make_siglip_tokenizer() -> PreTrainedTokenizerFast:
    """As the tokenizer.json of published SigLIP models: lower case, no punctuation, one blank before the text."""
    pieces = ["<pad>", "</s>", "<unk>", "\u2581", *LETTERS, "\u2581dog", "og"]
    made = tokenizers.Tokenizer(models.Unigram([(piece, -float(i % 7)) for i, piece in enumerate(pieces)], 2, False))
    escaped = "".join("\\" + character for character in string.punctuation)
    made.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            normalizers.Replace(tokenizers.Regex(f"[{escaped}]"), ""),
            normalizers.Replace(tokenizers.Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.post_processor = tokenizers.processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="</s>", unk_token="<unk>", pad_token="</s>")


def _randomise(model: AlignModel) -> None:
    """Give the image tower weights and statistics as if it had been trained; the initial ones give it no contrast."""
    for module in model.vision_model.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
