"""AdamW with the authors' two parameter groups, and the bounds of the logit scales (the authors' recipe)."""

from math import log

import torch
from torch import nn
from torch.optim import AdamW

from trainer.method.network import Network

__all__ = ["clamp_scales", "find_decayed_names", "make_optimizer"]

NO_DECAY = ("ln", "bn", "bias", "logit_scale")  # anywhere in a parameter's name
MAX_LOG_SCALE = log(100)


def make_optimizer(model: Network, *, lr: float, weight_decay: float, betas: tuple[float, float], eps: float) -> AdamW:
    """AdamW with weight decay on matrices only, including embeddings, positions and projections."""
    decayed = find_decayed_names(model)
    named = list(model.named_parameters())
    groups = [
        {"params": [p for name, p in named if name not in decayed], "weight_decay": 0.0},
        {"params": [p for name, p in named if name in decayed], "weight_decay": weight_decay},
    ]
    return AdamW(groups, lr=lr, betas=betas, eps=eps)


def find_decayed_names(model: nn.Module) -> set[str]:
    """The names of the parameters with weight decay, by the authors' rule."""
    return {n for n, p in model.named_parameters() if p.ndim >= 2 and not any(part in n for part in NO_DECAY)}


@torch.no_grad()
def clamp_scales(*models: Network) -> None:
    """Clamp both scales, which are stored as logarithms, to [0, ln 100].

    Called after every step, for student and teacher.
    """
    for model in models:
        model.logit_scale.clamp_(0, MAX_LOG_SCALE)
        model.distill_logit_scale.clamp_(0, MAX_LOG_SCALE)
