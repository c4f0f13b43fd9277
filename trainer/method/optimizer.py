"""AdamW in the authors' two groups, and the bounds of the scales (the authors' recipe)."""

from math import log

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.network.state_dict import to_official

__all__ = ["adamw", "clamp_scales", "decayed_names", "decays"]

SPARED = ("ln", "bn", "bias", "logit_scale")  # anywhere in an official name
MAX_LOG_SCALE = log(100)


def adamw(model: CosmosModel, *, lr: float, weight_decay: float, betas: tuple[float, float], eps: float) -> AdamW:
    """Decay on matrices only, with embeddings, positions and projections among them."""
    decayed = decayed_names(model)
    named = list(model.named_parameters())
    groups = [
        {"params": [p for name, p in named if name not in decayed], "weight_decay": 0.0},
        {"params": [p for name, p in named if name in decayed], "weight_decay": weight_decay},
    ]
    return AdamW(groups, lr=lr, betas=betas, eps=eps)


def decays(official_name: str, n_dimensions: int) -> bool:
    """The authors' rule, by their name for a tensor."""
    return n_dimensions >= 2 and not any(part in official_name for part in SPARED)


def decayed_names(model: nn.Module) -> set[str]:
    """Our names of the tensors that decay."""
    return {name for name, p in model.named_parameters() if decays(_official_name(name, p), p.ndim)}


@torch.no_grad()
def clamp_scales(*models: CosmosModel) -> None:
    """Both scales, which are logarithms, to [0, ln 100]; after every step, in student and teacher."""
    for model in models:
        model.logit_scale.clamp_(0, MAX_LOG_SCALE)
        model.distill_logit_scale.clamp_(0, MAX_LOG_SCALE)


def _official_name(name: str, parameter: Tensor) -> str:
    """The official name of one tensor; of q, k and v it is that of the packed one."""
    name = name.replace("k_proj", "q_proj").replace("v_proj", "q_proj")
    parts = {name.replace("q_proj", f"{part}_proj"): parameter for part in "qkv"}
    return next(iter(to_official(parts)))
