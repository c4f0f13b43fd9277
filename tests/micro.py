"""The config, the tokenizer and the preprocessing of the micro network of the parity fixtures."""

import json
import string
from dataclasses import asdict, replace
from pathlib import Path

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers

from cosmos_search.network.cosmos import CosmosConfig
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import END, START
from tests import DATA

PARITY = DATA / "parity" / "expected"
MICRO = CosmosConfig(
    embed_dim=16, image_size=32, patch_size=8, vision_width=24, vision_layers=2, vision_heads=3,
    text_width=16, text_layers=2, text_heads=4, context_length=12, vocab_size=96,
)  # fmt: skip
SMALL = replace(MICRO, vocab_size=CosmosConfig().vocab_size)  # with CLIP's tokens


def micro_like(folder: Path) -> Path:
    """Write a model directory for `models add --config-from`."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(asdict(MICRO)))
    Preprocess(MICRO.image_size).save(folder / "preprocessor_config.json")
    letters = string.ascii_lowercase + string.digits + string.punctuation
    vocabulary = {letter: i for i, letter in enumerate(letters)} | {START: 94, END: 95}
    tokenizer = tokenizers.Tokenizer(models.WordLevel(vocabulary, unk_token="?"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(tokenizers.Regex("."), "isolated")]
    )
    tokenizer.add_special_tokens([START, END])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
