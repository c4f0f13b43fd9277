"""AdamW in the authors' two groups, and the bounds of the scales (the authors' recipe)."""

from math import log

import torch
from torch import nn
from torch.optim import AdamW

from cosmos_search.network.cosmos import CosmosModel

__all__ = ["adamw", "clamp_scales", "decayed_names"]

SPARED = ("ln", "bn", "bias", "logit_scale")  # anywhere in a parameter's name
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


def decayed_names(model: nn.Module) -> set[str]:
    """Names of the parameters that decay, by the authors' rule."""
    return {n for n, p in model.named_parameters() if p.ndim >= 2 and not any(part in n for part in SPARED)}


@torch.no_grad()
def clamp_scales(*models: CosmosModel) -> None:
    """Both scales, which are logarithms, to [0, ln 100]; after every step, in student and teacher."""
    for model in models:
        model.logit_scale.clamp_(0, MAX_LOG_SCALE)
        model.distill_logit_scale.clamp_(0, MAX_LOG_SCALE)
