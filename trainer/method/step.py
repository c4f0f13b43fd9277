"""One step of training, in the authors' order: forward, backward, EMA, optimizer, clamp."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from cosmos_search.network.cosmos import CosmosModel
from indexer.errors import CosmosSearchError
from trainer.method.losses import Losses, StudentViews, TeacherViews, cosmos_losses, gather_views
from trainer.method.optimizer import clamp_scales
from trainer.method.student import Batch, Method, teacher_forward
from trainer.method.teacher import follow

__all__ = ["NotFiniteError", "Precision", "TrainState", "gathered_losses", "losses_with_gradients", "training_step"]

Precision = Literal["fp32", "bf16", "fp16"]


class NotFiniteError(CosmosSearchError):
    """The loss is no number any more."""


@dataclass(frozen=True, slots=True)
class TrainState:
    """All that changes while training. `forward` is the Student, or DDP's wrapper of it."""

    student: CosmosModel
    teacher: CosmosModel
    optimizer: Optimizer
    forward: nn.Module
    method: Method
    scaler: torch.amp.GradScaler
    precision: Precision = "fp32"
    n_parts: int = 1  # a batch is seen in so many, with the gradient of the whole


def training_step(learner: TrainState, batch: Batch, *, lr: float, momentum: float) -> Losses:
    """The losses before the step. Raises NotFiniteError, with nothing changed, when they are infinite or NaN."""
    for group in learner.optimizer.param_groups:
        group["lr"] = lr
    losses = losses_with_gradients(learner, batch)
    if not torch.isfinite(losses.total):
        raise NotFiniteError(f"the loss is {losses.total.item()}")
    follow(learner.teacher, learner.student, momentum)
    learner.scaler.step(learner.optimizer)
    learner.scaler.update()
    clamp_scales(learner.student, learner.teacher)
    return losses


def losses_with_gradients(learner: TrainState, batch: Batch) -> Losses:
    """Forward and backward; each parameter's gradient is in its .grad afterwards, and nothing of an earlier one."""
    learner.optimizer.zero_grad(set_to_none=True)
    parts = batch.parts(learner.n_parts)
    if len(parts) > 1:
        return _backward_in_parts(learner, parts)
    teacher = _look_as_teacher(learner, batch)
    with _autocast(learner, batch):
        student = learner.forward(batch.views, batch.ids)
    losses = gathered_losses(learner.method, student, teacher)
    learner.scaler.scale(losses.total).backward()  # type: ignore[no-untyped-call]
    return _detached(losses)


def gathered_losses(method: Method, student: StudentViews, teacher: TeacherViews | None) -> Losses:
    """Both losses over the features of all ranks, which come without gradient; this rank's own are live."""
    gathered = StudentViews(
        images=gather_views(student.images),
        texts=gather_views(student.texts),
        cross_attended_images=None
        if student.cross_attended_images is None
        else gather_views(student.cross_attended_images),
        cross_attended_texts=None
        if student.cross_attended_texts is None
        else gather_views(student.cross_attended_texts),
        scale=student.scale,
        distill_scale=student.distill_scale,
    )
    if teacher is not None:
        teacher = TeacherViews(gather_views(teacher.images), gather_views(teacher.texts))
    return cosmos_losses(gathered, teacher, crossed=method.cross_attention)


def _backward_in_parts(learner: TrainState, parts: list[Batch]) -> Losses:
    """The gradient of the whole batch, with the activations of one part at a time (Gao et al. 2021, GradCache).

    First all features without a graph, then the loss and its gradient by feature, then each part again with it.
    """
    seen, targets = _features(learner, parts)
    leaves = [tensor.requires_grad_() for tensor in _tensors(seen)]
    losses = gathered_losses(learner.method, seen, targets)
    learner.scaler.scale(losses.total).backward()  # type: ignore[no-untyped-call]
    slopes = [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]
    start = 0
    for i, part in enumerate(parts):
        cut = slice(start, start + len(part.keys))
        start = cut.stop
        is_last = i == len(parts) - 1
        with _unsynced(learner.forward, is_last), _autocast(learner, part):
            again = _tensors(learner.forward(part.views, part.ids))
            mine = [slope[:, cut] if slope.ndim == 3 else slope * is_last for slope in slopes]
            torch.autograd.backward(again, mine)
    return _detached(losses)


@torch.no_grad()
def _features(learner: TrainState, parts: list[Batch]) -> tuple[StudentViews, TeacherViews | None]:
    """Of all parts, side by side, without a graph."""
    module = learner.forward.module if isinstance(learner.forward, DistributedDataParallel) else learner.forward
    students, teachers = [], []
    for part in parts:
        with _autocast(learner, part):
            students.append(module(part.views, part.ids))
        if (target := _look_as_teacher(learner, part)) is not None:
            teachers.append(target)
    student = _side_by_side(students)
    if not teachers:
        return student, None
    images, texts = (torch.cat([getattr(t, side) for t in teachers], dim=1) for side in ("images", "texts"))
    return student, TeacherViews(images, texts)


def _side_by_side(students: list[StudentViews]) -> StudentViews:
    """Views along the batch; the scales, which are the same in all, once."""
    joined = {}
    for field in fields(StudentViews):
        values = [getattr(student, field.name) for student in students]
        if values[0] is not None:
            values[0] = values[0].clone() if values[0].ndim == 0 else torch.cat(values, dim=1)
        joined[field.name] = values[0]
    return StudentViews(**joined)


def _look_as_teacher(learner: TrainState, batch: Batch) -> TeacherViews | None:
    if not learner.method.distils:
        return None
    with _autocast(learner, batch):
        return teacher_forward(learner.teacher, batch)


def _autocast(learner: TrainState, batch: Batch) -> AbstractContextManager[object]:
    if learner.precision == "fp32":
        return nullcontext()
    dtype = torch.bfloat16 if learner.precision == "bf16" else torch.float16
    return torch.autocast(batch.ids[0].device.type, dtype=dtype)


def _unsynced(forward: nn.Module, is_last: bool) -> AbstractContextManager[object]:
    """DDP sums the ranks' gradients once, with the last part's."""
    return forward.no_sync() if isinstance(forward, DistributedDataParallel) and not is_last else nullcontext()


def _tensors(student: StudentViews) -> list[Tensor]:
    values = (getattr(student, field.name) for field in fields(StudentViews))
    return [value for value in values if value is not None]


def _detached(losses: Losses) -> Losses:
    groups = {f.name: getattr(losses.groups, f.name) for f in fields(losses.groups)}
    kept = {name: None if group is None else group.detach() for name, group in groups.items()}
    return Losses(losses.clip.detach(), losses.distill.detach(), type(losses.groups)(**kept))
