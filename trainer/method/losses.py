"""L_CLIP and L_COSMOS (paper §3.1 and §3.4), on one or several processes, without storing logits for the backward pass.

NCE(a, b; τ) = ½ [CE(τ a bᵀ) + CE(τ b aᵀ)], with the diagonal as targets; for sets of views the mean over all pairs:

    L_CLIP   = NCE({f_I^1, f_I^2}, {f_T^1 … f_T^N}; τ)
    L_COSMOS = ¼ [NCE(h_I, g_I; τd) + NCE(h_I, g_T; τd) + NCE(h_T, g_I; τd) + NCE(h_T, g_T; τd)]
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, distributed
from torch.autograd.function import FunctionCtx, once_differentiable

__all__ = [
    "N_GLOBAL_VIEWS",
    "DistillLosses",
    "Losses",
    "StudentViews",
    "TeacherViews",
    "cosmos_losses",
    "gather_views",
    "info_nce",
]

N_GLOBAL_VIEWS = 2  # images and captions of a sample; L_CLIP leaves out local images, which overfit (the authors)
CHUNK = 2**22  # logits that are held at a time


@dataclass(frozen=True, slots=True)
class StudentViews:
    """The student's features, unit rows: (views, batch, dim), or None where a part of the method is off.

    cross_attended_images: h_I of the paper, images that attend to the caption. cross_attended_texts: h_T, captions that
    attend to the image. scale, distill_scale: inverse temperatures, scalars; None without distillation. penalty: of the
    network itself for each view, (views, batch, 1); None for a network without one.
    """

    images: Tensor
    texts: Tensor
    cross_attended_images: Tensor | None
    cross_attended_texts: Tensor | None
    scale: Tensor
    distill_scale: Tensor | None
    penalty: Tensor | None = None


@dataclass(frozen=True, slots=True)
class TeacherViews:
    """The teacher's features of the global views (g_I, g_T), unit rows, detached: (2, batch, dim)."""

    images: Tensor
    texts: Tensor


@dataclass(frozen=True, slots=True)
class DistillLosses:
    """The four terms of L_COSMOS, named by the student's modality, then the teacher's; None where a term is off."""

    image_image: Tensor | None = None
    image_text: Tensor | None = None
    text_image: Tensor | None = None
    text_text: Tensor | None = None

    def mean(self, like: Tensor) -> Tensor:
        """The mean of the terms that are on; 0, with the type and device of `like`, if none is."""
        terms = [self.image_image, self.image_text, self.text_image, self.text_text]
        present = [term for term in terms if term is not None]
        return torch.stack(present).mean() if present else torch.zeros_like(like)


@dataclass(frozen=True, slots=True)
class Losses:
    """L_CLIP, L_COSMOS and the terms of the latter; the mean penalty of a network that has one."""

    clip: Tensor
    distill: Tensor
    terms: DistillLosses
    penalty: Tensor | None = None

    @property
    def total(self) -> Tensor:
        """L = L_CLIP + L_COSMOS (paper §3.4), and the network's own penalty if it has one."""
        total = self.clip + self.distill
        return total if self.penalty is None else total + self.penalty


def cosmos_losses(student: StudentViews, teacher: TeacherViews | None, *, with_cross_modal: bool = True) -> Losses:
    """L_CLIP and L_COSMOS (paper §3.1 and §3.4). Without a teacher L_COSMOS is 0.

    with_cross_modal: whether images learn from the teacher's texts and texts from its images, too.
    With features gathered from several processes, each rank computes the loss of the whole batch, and the gradients of
    its own rows.
    """
    clip = info_nce(student.images[:N_GLOBAL_VIEWS], student.texts, student.scale)
    terms = _distillation_losses(student, teacher, with_cross_modal) if teacher is not None else DistillLosses()
    return Losses(clip, terms.mean(clip), terms, None if student.penalty is None else student.penalty.mean())


def info_nce(a: Tensor, b: Tensor, scale: Tensor, chunk: int = CHUNK) -> Tensor:
    """Symmetric InfoNCE of two sets of views, the mean over all pairs of views (paper §3.1; module docstring).

    a: (views_a, batch, dim), b: (views_b, batch, dim), unit rows; row i of every view belongs to sample i.
    chunk: number of logits that are held at a time. They are recomputed for the gradient, so memory is linear in the
    batch size.
    """
    loss: Tensor = _InfoNCE.apply(a.float(), b.float(), scale.float(), chunk)  # type: ignore[no-untyped-call]
    return loss


def gather_views(views: Tensor) -> Tensor:
    """(views, batch, dim) of every rank, concatenated in the order of ranks: (views, world_size · batch, dim).

    Other ranks' features have no gradient; this rank's keep theirs, as in OpenCLIP's default (no gather_with_grad).
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return views
    parts = [torch.empty_like(views) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, views.detach().contiguous())
    parts[distributed.get_rank()] = views
    return torch.cat(parts, dim=1)


def _distillation_losses(student: StudentViews, teacher: TeacherViews, with_cross_modal: bool) -> DistillLosses:
    """The terms of L_COSMOS (paper §3.4), with the student as queries and the teacher as targets."""
    scale = student.distill_scale
    assert scale is not None, "there is a teacher, but no distill_scale"

    def nce(features: Tensor | None, target: Tensor) -> Tensor | None:
        return None if features is None else info_nce(features, target.detach(), scale)

    return DistillLosses(
        image_image=nce(student.cross_attended_images, teacher.images),
        image_text=nce(student.cross_attended_images, teacher.texts) if with_cross_modal else None,
        text_image=nce(student.cross_attended_texts, teacher.images) if with_cross_modal else None,
        text_text=nce(student.cross_attended_texts, teacher.texts),
    )


class _InfoNCE(torch.autograd.Function):
    """Stores the two log-normalizers of each logit, and recomputes the logits in backward, a chunk of rows at a time.

    With S = τ a bᵀ and batch size M: ∂/∂S = (softmax over rows + softmax over columns - 2·1) / (2 M · pairs).
    """

    @staticmethod
    def forward(ctx: FunctionCtx, a: Tensor, b: Tensor, scale: Tensor, chunk: int) -> Tensor:
        with torch.autocast(a.device.type, enabled=False):
            # log-normalizers: over the rows of b for each row of a, and over the rows of a for each row of b
            rows = a.new_empty(len(a), a.shape[1], len(b))  # (views_a, batch, views_b)
            columns = a.new_full((len(a), len(b), a.shape[1]), -torch.inf)  # (views_a, views_b, batch)
            for view, part, logits in _iterate_logits(a, b, scale, chunk):
                rows[view, part] = logits.logsumexp(dim=2)
                columns[view] = torch.logaddexp(columns[view], logits.logsumexp(dim=0))
            targets = scale * torch.einsum("amd,bmd->abm", a, b)  # (views_a, views_b, batch)
            ctx.save_for_backward(a, b, scale, rows, columns)
            ctx.chunk = chunk  # type: ignore[attr-defined]
            return ((rows.transpose(1, 2) - targets) + (columns - targets)).mean() / 2

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        a, b, scale, rows, columns = ctx.saved_tensors  # type: ignore[attr-defined]
        grad_a, grad_b, grad_scale = torch.zeros_like(a), torch.zeros_like(b), torch.zeros_like(scale)
        weight = gradient / columns.numel() / 2
        with torch.autocast(a.device.type, enabled=False):
            for view, part, logits in _iterate_logits(a, b, scale, ctx.chunk):  # type: ignore[attr-defined]
                grad = (logits - rows[view, part, :, None]).exp() + (logits - columns[view]).exp()
                grad[torch.arange(len(grad)), :, torch.arange(part.start, part.start + len(grad))] -= 2
                grad *= weight  # of the logits: (rows, views_b, batch)
                grad_scale += (grad * logits).sum() / scale
                grad_a[view, part] = scale * grad.flatten(1) @ b.flatten(0, 1)
                grad_b += scale * torch.einsum("rbm,rd->bmd", grad, a[view, part])
        return grad_a, grad_b, grad_scale, None


def _iterate_logits(a: Tensor, b: Tensor, scale: Tensor, chunk: int) -> Iterator[tuple[int, slice, Tensor]]:
    """Chunks: index of a view of a, slice of its rows, and their logits with all of b: (rows, views_b, batch)."""
    views_b, batch, _ = b.shape
    n_rows = max(1, chunk // (views_b * batch))
    for view in range(len(a)):
        for start in range(0, batch, n_rows):
            part = slice(start, start + n_rows)
            logits = scale * a[view, part] @ b.flatten(0, 1).T
            yield view, part, logits.reshape(-1, views_b, batch)
