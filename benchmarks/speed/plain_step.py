"""One training step of COSMOS, implemented literally as in the paper: the baseline of benchmarks/speed/training.py.

Each view and each caption, padded to the full context length, is encoded separately; each pair of views keeps its own
matrices of logits for the gradient; the EMA updates parameters one by one.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from cosmos_search.network.cosmos import CosmosModel
from trainer.method.losses import N_GLOBAL_VIEWS
from trainer.method.optimizer import clamp_scales
from trainer.method.step import TrainState

__all__ = ["plain_step"]


def plain_step(state: TrainState, views: Sequence[Tensor], ids: Tensor, momentum: float) -> tuple[float, float]:
    """Update student and teacher; returns L_CLIP and L_COSMOS before the update.

    views: each (batch, 3, side, side). ids: (batch, captions, context).
    """
    student, teacher = state.student, state.teacher
    assert isinstance(student, CosmosModel), student
    assert isinstance(teacher, CosmosModel), teacher
    state.optimizer.zero_grad()
    clip, distill = _compute_losses(student, teacher, views, ids.unbind(1))
    (clip + distill).backward()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        for theirs, ours in zip(teacher.parameters(), student.parameters(), strict=True):
            theirs.mul_(momentum).add_(ours, alpha=1 - momentum)
    state.optimizer.step()
    clamp_scales(student, teacher)
    return clip.item(), distill.item()


def _compute_losses(
    student: CosmosModel, teacher: CosmosModel, views: Sequence[Tensor], captions: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    images = [student.encode_images(view) for view in views]
    texts = [student.encode_texts(ids) for ids in captions]
    f_i, f_t = ([F.normalize(seen.features, dim=-1) for seen in part] for part in (images, texts))
    h_i = [student.cross_attend_text(seen.features[:, None], texts[0].tokens)[:, 0] for seen in images]
    h_t = [student.cross_attend_image(read.features[:, None], images[0].tokens)[:, 0] for read in texts]
    with torch.no_grad():
        g_i = [F.normalize(teacher.encode_images(view).features, dim=-1) for view in views[:N_GLOBAL_VIEWS]]
        g_t = [F.normalize(teacher.encode_texts(ids).features, dim=-1) for ids in captions[:N_GLOBAL_VIEWS]]
    clip = _info_nce(f_i[:N_GLOBAL_VIEWS], f_t, student.logit_scale.exp())
    scale = student.distill_logit_scale.exp()
    terms = [_info_nce(seen, target, scale) for seen in (h_i, h_t) for target in (g_i, g_t)]
    return clip, torch.stack(terms).mean()


def _info_nce(a: Sequence[Tensor], b: Sequence[Tensor], scale: Tensor) -> Tensor:
    """The symmetric InfoNCE loss, averaged over all pairs of a view of `a` and a view of `b`; each (batch, dim)."""
    labels = torch.arange(len(a[0]))
    losses = []
    for one in a:
        for other in b:
            logits = scale * one @ other.T
            losses.append((F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2)
    return torch.stack(losses).mean()
