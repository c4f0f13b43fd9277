"""The network that fine-tuning begins with: a published, installed or local encoder, an earlier run's, or a CLIP."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import CLIPModel

from cosmos_search.model_config import read_kind
from cosmos_search.models.published import PUBLISHED
from cosmos_search.models.store import default_store
from cosmos_search.network.checkpoint import load_checkpoint, load_model
from cosmos_search.network.cosmos import CosmosConfig, CosmosModel
from cosmos_search.network.other_names import under_other_names
from cosmos_search.network.towers import load_clip
from indexer.errors import CosmosSearchError, UsageError
from indexer.files import expand_home
from trainer.runs.checkpoints import best_checkpoint
from trainer.runs.export import run_networks

__all__ = ["clip_as_cosmos", "initial_network"]

logger = logging.getLogger("cosmos_search")

# Beginnings of names, ours and those of transformers' CLIPModel; cross-attention and its token maps have none there.
CLIP_NAMES = {
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "text_projection": "text_projection.weight",
    "logit_scale": "logit_scale",
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.proj": "visual_projection.weight",
    "visual.conv1.": "vision_model.embeddings.patch_embedding.",
    "visual.ln_pre.": "vision_model.pre_layrnorm.",
    "visual.transformer.resblocks.": "vision_model.encoder.layers.",
    "visual.ln_post.": "vision_model.post_layernorm.",
    "transformer.resblocks.": "text_model.encoder.layers.",
    "token_embedding.": "text_model.embeddings.token_embedding.",
    "ln_final.": "text_model.final_layer_norm.",
}


def initial_network(init: str, config: CosmosConfig, seed: int) -> CosmosModel:
    """What `init` names, as a network of this config.

    init: the name of an installed model, a directory in the Hugging Face layout (COSMOS or CLIP), an official .pt
    file, or the folder of a run (its best teacher). Raises CosmosSearchError for what is none of these or has
    other sizes.
    """
    network = _found(init, config, seed)
    ours, theirs = asdict(config), asdict(network.config)
    if other := [f"{key} {theirs[key]} and not {ours[key]}" for key in ours if ours[key] != theirs[key]]:
        raise CosmosSearchError(
            f"{init} is a network of other sizes than the config's: {', '.join(other)}. Set these in the config: "
            "cosmos-search-train presets NAME > config.json"
        )
    return network


def clip_as_cosmos(clip: CLIPModel, seed: int) -> CosmosModel:
    """CLIP's towers, and cross-attention made from the seed; scratch is all that CLIP has no weights for.

    COSMOS computes the exact GELU. Weights that were trained with the approximation QuickGELU, OpenAI's own, begin a
    little off, which training mends; a warning says so.
    """
    towers: Any = (clip.config.vision_config, clip.config.text_config)
    if any(tower.hidden_act == "quick_gelu" for tower in towers):
        logger.warning("This CLIP was trained with QuickGELU, and goes on with GELU: its first steps mend that.")
    torch.manual_seed(seed)
    network = CosmosModel(_config_of(clip))
    state = network.state_dict()
    state |= {name: state[name].T for name in ("visual.proj", "text_projection")}  # CLIP's are output × input
    parts = under_other_names(state, CLIP_NAMES)
    for name, tensor in clip.state_dict().items():
        if name.endswith("position_ids"):
            continue
        if name not in parts or parts[name].shape != tensor.shape:
            raise CosmosSearchError(f"This CLIP has a part that COSMOS has not: {name} {tuple(tensor.shape)}")
        parts[name].copy_(tensor)
    return network


def _found(init: str, config: CosmosConfig, seed: int) -> CosmosModel:
    path = expand_home(init)
    if (card := default_store().card(init)) is not None:
        return _from_folder(default_store().folder(init), card.kind, seed)
    if path.is_file():
        return load_checkpoint(path, config=config)
    if path.is_dir() and (checkpoint := best_checkpoint(path)) is not None:
        return run_networks(path, checkpoint)["teacher"]
    if path.is_dir():
        return _from_folder(path, read_kind(path), seed)
    if init in PUBLISHED:
        raise UsageError(f"The model {init} is not installed; get it: cosmos-search models pull {init}")
    raise UsageError(f"There is no model, file or folder {init!r} to begin with; see cosmos-search models")


def _from_folder(folder: Path, kind: str, seed: int) -> CosmosModel:
    return load_model(folder) if kind == "cosmos" else clip_as_cosmos(load_clip(folder), seed)


def _config_of(clip: CLIPModel) -> CosmosConfig:
    vision: Any = clip.config.vision_config
    text: Any = clip.config.text_config
    if text.hidden_size != clip.config.projection_dim:
        raise CosmosSearchError(
            f"This CLIP's texts are {text.hidden_size} wide and its joint space {clip.config.projection_dim}; "
            "COSMOS's cross-attention needs them equal."
        )
    return CosmosConfig(
        embed_dim=text.hidden_size,
        image_size=vision.image_size,
        patch_size=vision.patch_size,
        vision_width=vision.hidden_size,
        vision_layers=vision.num_hidden_layers,
        vision_heads=vision.num_attention_heads,
        text_width=text.hidden_size,
        text_layers=text.num_hidden_layers,
        text_heads=text.num_attention_heads,
        context_length=text.max_position_embeddings,
        vocab_size=text.vocab_size,
    )
