"""L_CLIP and L_COSMOS (paper §3.1 and §3.4), on one process or several, with no matrix of logits kept for backward.

With NCE(a, b; τ) = ½ [CE(τ a bᵀ) + CE(τ b aᵀ)], the diagonal being right, and its mean over all pairs of two sets:

    L_CLIP   = NCE({f_I^1, f_I^2}, {f_T^1 … f_T^N}; τ)
    L_COSMOS = ¼ [NCE(h_I, g_I; τd) + NCE(h_I, g_T; τd) + NCE(h_T, g_I; τd) + NCE(h_T, g_T; τd)]
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, distributed
from torch.autograd.function import FunctionCtx, once_differentiable

__all__ = ["DistillLosses", "Losses", "StudentViews", "TeacherViews", "cosmos_losses", "gather_views", "info_nce"]

N_GLOBAL = 2  # image views in L_CLIP: with the local ones it overfits, say the authors
CHUNK = 2**22  # logits at a time


@dataclass(frozen=True, slots=True)
class StudentViews:
    """What the student sees, all rows unit: (views, batch, dim), or None where a part of the method is off.

    cross_attended_images are h_I, with attention over the caption; cross_attended_texts are h_T, over the image.
    scale, distill_scale: inverse temperatures, scalars; None for distilling nothing.
    """

    images: Tensor
    texts: Tensor
    cross_attended_images: Tensor | None
    cross_attended_texts: Tensor | None
    scale: Tensor
    distill_scale: Tensor | None


@dataclass(frozen=True, slots=True)
class TeacherViews:
    """The teacher's global views, all rows unit and detached: (2, batch, dim)."""

    images: Tensor
    texts: Tensor


@dataclass(frozen=True, slots=True)
class DistillLosses:
    """The four groups of L_COSMOS, student's modality first; None where a group is off."""

    image_image: Tensor | None = None
    image_text: Tensor | None = None
    text_image: Tensor | None = None
    text_text: Tensor | None = None

    def mean(self, like: Tensor) -> Tensor:
        """Over the groups that are on; 0, beside `like`, if none is."""
        groups = [self.image_image, self.image_text, self.text_image, self.text_text]
        present = [group for group in groups if group is not None]
        return torch.stack(present).mean() if present else torch.zeros_like(like)


@dataclass(frozen=True, slots=True)
class Losses:
    """L_CLIP, L_COSMOS and its groups."""

    clip: Tensor
    distill: Tensor
    groups: DistillLosses

    @property
    def total(self) -> Tensor:
        """L = L_CLIP + L_COSMOS."""
        return self.clip + self.distill


def cosmos_losses(student: StudentViews, teacher: TeacherViews | None, *, crossed: bool = True) -> Losses:
    """Both losses. Without a teacher L_COSMOS is 0; without `crossed` each modality learns from its own kind only.

    On several processes every rank gets the loss of the whole batch, and gradients for its own rows.
    """
    clip = info_nce(student.images[:N_GLOBAL], student.texts, student.scale)
    groups = _distil(student, teacher, crossed) if teacher is not None else DistillLosses()
    return Losses(clip, groups.mean(clip), groups)


def info_nce(a: Tensor, b: Tensor, scale: Tensor, chunk: int = CHUNK) -> Tensor:
    """NCE of two sets of views, the mean over all pairs of views.

    a: (views_a, batch, dim), b: (views_b, batch, dim), unit rows; row i of every view is of sample i.
    chunk: how many logits are held at a time. They are made anew for the gradient, so memory is linear in the batch.
    """
    loss: Tensor = _InfoNCE.apply(a.float(), b.float(), scale.float(), chunk)  # type: ignore[no-untyped-call]
    return loss


def gather_views(views: Tensor) -> Tensor:
    """(views, batch, dim) of every rank, in the order of ranks: (views, world · batch, dim).

    Gathered without gradient; the own slice stays live, as in OpenCLIP without --gather-with-grad.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return views
    parts = [torch.empty_like(views) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, views.detach().contiguous())
    parts[distributed.get_rank()] = views
    return torch.cat(parts, dim=1)


def _distil(student: StudentViews, teacher: TeacherViews, crossed: bool) -> DistillLosses:
    scale = student.distill_scale
    assert scale is not None, "there is a teacher, and no temperature to learn from it with"

    def nce(seen: Tensor | None, target: Tensor) -> Tensor | None:
        return None if seen is None else info_nce(seen, target.detach(), scale)

    return DistillLosses(
        image_image=nce(student.cross_attended_images, teacher.images),
        image_text=nce(student.cross_attended_images, teacher.texts) if crossed else None,
        text_image=nce(student.cross_attended_texts, teacher.images) if crossed else None,
        text_text=nce(student.cross_attended_texts, teacher.texts),
    )


class _InfoNCE(torch.autograd.Function):
    """Keeps the two normalisers of each logit, and makes the logits anew in backward, a chunk of rows at a time.

    With S = τ a bᵀ and batch M: ∂/∂S = (softmax over rows + softmax over columns - 2·1) / (2 M · pairs).
    """

    @staticmethod
    def forward(ctx: FunctionCtx, a: Tensor, b: Tensor, scale: Tensor, chunk: int) -> Tensor:
        with torch.autocast(a.device.type, enabled=False):
            rows = a.new_empty(len(a), a.shape[1], len(b))  # log of the sum over b's rows, for each row of a
            columns = a.new_full((len(a), len(b), a.shape[1]), -torch.inf)  # the other way
            for view, part, logits in _logits(a, b, scale, chunk):
                rows[view, part] = logits.logsumexp(dim=2)
                columns[view] = torch.logaddexp(columns[view], logits.logsumexp(dim=0))
            right = scale * torch.einsum("amd,bmd->abm", a, b)
            ctx.save_for_backward(a, b, scale, rows, columns)
            ctx.chunk = chunk  # type: ignore[attr-defined]
            return ((rows.transpose(1, 2) - right) + (columns - right)).mean() / 2

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        a, b, scale, rows, columns = ctx.saved_tensors  # type: ignore[attr-defined]
        to_a, to_b, to_scale = torch.zeros_like(a), torch.zeros_like(b), torch.zeros_like(scale)
        weight = gradient / columns.numel() / 2
        with torch.autocast(a.device.type, enabled=False):
            for view, part, logits in _logits(a, b, scale, ctx.chunk):  # type: ignore[attr-defined]
                slope = (logits - rows[view, part, :, None]).exp() + (logits - columns[view]).exp()
                slope[torch.arange(len(slope)), :, torch.arange(part.start, part.start + len(slope))] -= 2
                slope *= weight  # (rows, views_b, batch)
                to_scale += (slope * logits).sum() / scale
                to_a[view, part] = scale * slope.flatten(1) @ b.flatten(0, 1)
                to_b += scale * torch.einsum("rbm,rd->bmd", slope, a[view, part])
        return to_a, to_b, to_scale, None


def _logits(a: Tensor, b: Tensor, scale: Tensor, chunk: int) -> Iterator[tuple[int, slice, Tensor]]:
    """A view of a, some of its rows, and their logits with all of b: (rows, views_b, batch)."""
    views_b, batch, _ = b.shape
    n_rows = max(1, chunk // (views_b * batch))
    for view in range(len(a)):
        for start in range(0, batch, n_rows):
            part = slice(start, start + n_rows)
            logits = scale * a[view, part] @ b.flatten(0, 1).T
            yield view, part, logits.reshape(-1, views_b, batch)
