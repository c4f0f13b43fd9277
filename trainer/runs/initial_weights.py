"""The initial network of fine-tuning: an installed or local encoder, the teacher of an earlier run, or a CLIP model."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import CLIPModel

from cosmos_search.model_config import read_kind
from cosmos_search.models.errors import ModelNotPulledError
from cosmos_search.models.published import PUBLISHED
from cosmos_search.models.store import default_store
from cosmos_search.network.checkpoint import load_checkpoint, load_model
from cosmos_search.network.cosmos import CosmosConfig, CosmosModel
from cosmos_search.network.tensor_names import CLIP_NAMES, rename_tensors
from cosmos_search.network.towers import load_network
from indexer.errors import CosmosSearchError
from indexer.files import expand_home
from trainer.runs.checkpoints import find_best_checkpoint, load_networks
from trainer.runs.errors import InitSizesError, UnknownInitError
from trainer.runs.folder import RunFolder

__all__ = ["convert_clip", "load_initial_network"]

logger = logging.getLogger("cosmos_search")


def load_initial_network(init: str, config: CosmosConfig, seed: int) -> CosmosModel:
    """The network that `init` names.

    init: the name of an installed model, a directory in the Hugging Face layout (COSMOS or CLIP), an official .pt
    file, or the folder of a run (the teacher of its best checkpoint). Raises UsageError for what is none of these,
    InitSizesError for a network of other sizes than the config's.
    """
    network = _load_named(init, config, seed)
    wanted, found = asdict(config), asdict(network.config)
    if other := tuple(f"{key} {found[key]} and not {wanted[key]}" for key in wanted if wanted[key] != found[key]):
        raise InitSizesError(init, other)
    return network


def convert_clip(clip: CLIPModel, seed: int) -> CosmosModel:
    """A COSMOS network with CLIP's weights; the cross-attention, which CLIP lacks, is initialized from the seed.

    COSMOS computes the exact GELU. Weights that were trained with the approximation QuickGELU, such as OpenAI's, give
    slightly different outputs at first, which training corrects; a warning is logged.
    """
    towers: Any = (clip.config.vision_config, clip.config.text_config)
    if any(tower.hidden_act == "quick_gelu" for tower in towers):
        logger.warning("This CLIP was trained with QuickGELU and is fine-tuned with GELU; early losses are higher.")
    torch.manual_seed(seed)
    network = CosmosModel(_convert_config(clip))
    state = network.state_dict()
    state |= {name: state[name].T for name in ("visual.proj", "text_projection")}  # CLIP's are output × input
    targets = rename_tensors(state, CLIP_NAMES)
    for name, tensor in clip.state_dict().items():
        if name.endswith("position_ids"):
            continue
        if name not in targets or targets[name].shape != tensor.shape:
            raise CosmosSearchError(f"This CLIP has a tensor that COSMOS does not have: {name} {tuple(tensor.shape)}")
        targets[name].copy_(tensor)
    return network


def _load_named(init: str, config: CosmosConfig, seed: int) -> CosmosModel:
    path = expand_home(init)
    if (card := default_store().card(init)) is not None and card.kind != "mini":
        return _load_folder(default_store().folder(init), card.kind, seed)
    if path.is_file():
        return load_checkpoint(path, config=config)
    if path.is_dir() and (checkpoint := find_best_checkpoint(RunFolder(path))) is not None:
        network = load_networks(RunFolder(path), checkpoint)["teacher"]
        if not isinstance(network, CosmosModel):
            raise UnknownInitError(init)
        return network
    if path.is_dir():
        return _load_folder(path, read_kind(path), seed)
    if init in PUBLISHED:
        raise ModelNotPulledError(init)
    raise UnknownInitError(init)


def _load_folder(folder: Path, kind: str, seed: int) -> CosmosModel:
    if kind == "cosmos":
        return load_model(folder)
    _, network = load_network(folder)
    if not isinstance(network, CLIPModel):
        raise CosmosSearchError(f"{folder} holds a model of type {kind}; training starts from cosmos or clip.")
    return convert_clip(network, seed)


def _convert_config(clip: CLIPModel) -> CosmosConfig:
    vision: Any = clip.config.vision_config
    text: Any = clip.config.text_config
    if text.hidden_size != clip.config.projection_dim:
        raise CosmosSearchError(
            f"This CLIP's text tower has a width of {text.hidden_size} and its joint space "
            f"{clip.config.projection_dim} dimensions; COSMOS's cross-attention needs them to be equal."
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
