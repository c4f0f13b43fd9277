"""Model folders with random weights, as those of installed models: a COSMOS network and a CLIPModel."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import CLIPConfig, CLIPModel

from benchmarks.data.package_photos import list_photos
from cosmos_search.model_config import CLIP_VOCAB_SIZE
from cosmos_search.network.checkpoint import save_model
from cosmos_search.network.cosmos import CosmosConfig, CosmosModel
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import save_clip_tokenizer

__all__ = ["TOY", "make_views", "save_clip", "save_cosmos"]

TOY = CosmosConfig(
    embed_dim=64, image_size=64, patch_size=16, vision_width=64, vision_layers=2, vision_heads=2,
    text_width=64, text_layers=2, text_heads=2,
)  # fmt: skip
PARTS = ((0, 0, 1, 1), (0, 0, 0.6, 0.6), (0.4, 0.4, 1, 1))  # of each photo: left, top, right, bottom


def save_cosmos(folder: Path, *, is_toy: bool) -> CosmosConfig:
    """Save a ViT-B/16, or a toy network; returns its config."""
    torch.manual_seed(0)
    config = TOY if is_toy else CosmosConfig()
    save_model(CosmosModel(config), folder)
    return config


def save_clip(folder: Path, *, is_toy: bool) -> int:
    """Save a CLIPModel of transformers, a ViT-B/32 or a toy network; returns its image size."""
    torch.manual_seed(0)
    small = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {"bos_token_id": 49406, "eos_token_id": 49407, "vocab_size": CLIP_VOCAB_SIZE}
    config = CLIPConfig(text_config=text)
    if is_toy:
        config = CLIPConfig(text_config={**text, **small}, vision_config={**small, "image_size": 64}, projection_dim=64)
    CLIPModel(config).save_pretrained(folder)
    side = int(json.loads((folder / "config.json").read_text(encoding="utf-8"))["vision_config"]["image_size"])
    replace(Preprocess(), side=side).save(folder / "preprocessor_config.json")
    save_clip_tokenizer(folder / "tokenizer.json")
    return side


def make_views(side: int) -> NDArray[np.uint8]:
    """Three parts of each photo in the package: (33, side, side, 3)."""
    found = []
    for path in list_photos():
        with Image.open(path) as photo:
            rgb = photo.convert("RGB")
        for left, top, right, bottom in PARTS:
            width, height = rgb.size
            box = (left * width, top * height, right * width, bottom * height)
            found.append(np.asarray(rgb.resize((side, side), Image.Resampling.BICUBIC, box)))
    return np.stack(found)
