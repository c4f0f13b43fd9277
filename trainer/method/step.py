"""One training step in the authors' order: forward, backward, EMA of the teacher, optimizer, clamping of the scales."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from indexer.errors import CosmosSearchError
from trainer.method.losses import DistillLosses, Losses, StudentViews, TeacherViews, cosmos_losses, gather_views
from trainer.method.network import Network
from trainer.method.optimizer import clamp_scales
from trainer.method.student import Batch, Method, teacher_forward
from trainer.method.teacher import update_ema

__all__ = ["NotFiniteError", "Precision", "TrainState", "compute_losses", "forward_backward", "training_step"]

Precision = Literal["fp32", "bf16", "fp16"]


class NotFiniteError(CosmosSearchError):
    """The loss is infinite or NaN."""


@dataclass(frozen=True, slots=True)
class TrainState:
    """What changes during training, and how a step is computed. `forward` is the Student, or DDP's wrapper of it."""

    student: Network
    teacher: Network
    optimizer: Optimizer
    forward: nn.Module
    method: Method
    scaler: torch.amp.GradScaler
    precision: Precision = "fp32"
    n_micro_batches: int = 1  # the batch is processed in this many parts, with the gradient of the whole


def training_step(state: TrainState, batch: Batch, *, lr: float, ema_momentum: float) -> Losses:
    """Update student and teacher; returns the losses before the step, without a graph.

    Raises NotFiniteError if the loss is infinite or NaN; no parameter has changed then.
    """
    for group in state.optimizer.param_groups:
        group["lr"] = lr
    losses = forward_backward(state, batch)
    if not torch.isfinite(losses.total):
        raise NotFiniteError(f"the loss is {losses.total.item()}")
    update_ema(state.teacher, state.student, ema_momentum)
    state.scaler.step(state.optimizer)
    state.scaler.update()
    clamp_scales(state.student, state.teacher)
    return losses


def forward_backward(state: TrainState, batch: Batch) -> Losses:
    """Compute the losses, and the gradients, which replace those in the .grad of the student's parameters."""
    state.optimizer.zero_grad(set_to_none=True)
    micro_batches = batch.split(state.n_micro_batches)
    if len(micro_batches) > 1:
        return _forward_backward_micro_batches(state, micro_batches)
    teacher = _run_teacher(state, batch)
    with _autocast(state, batch):
        student = state.forward(batch.views, batch.ids)
    losses = compute_losses(state.method, student, teacher)
    state.scaler.scale(losses.total).backward()  # type: ignore[no-untyped-call]
    return _detach(losses)


def compute_losses(method: Method, student: StudentViews, teacher: TeacherViews | None) -> Losses:
    """Both losses over the features of all ranks; gradients reach the features of this rank only."""

    def gather(features: Tensor | None) -> Tensor | None:
        return None if features is None else gather_views(features)

    gathered = StudentViews(
        images=gather_views(student.images),
        texts=gather_views(student.texts),
        cross_attended_images=gather(student.cross_attended_images),
        cross_attended_texts=gather(student.cross_attended_texts),
        scale=student.scale,
        distill_scale=student.distill_scale,
        penalty=gather(student.penalty),
    )
    if teacher is not None:
        teacher = TeacherViews(gather_views(teacher.images), gather_views(teacher.texts))
    return cosmos_losses(gathered, teacher, with_cross_modal=method.cross_attention)


def _forward_backward_micro_batches(state: TrainState, micro_batches: list[Batch]) -> Losses:
    """The gradient of the whole batch, holding the activations of one micro batch at a time.

    This is GradCache (Gao et al. 2021): all features are computed without a graph, then the loss and its gradient with
    respect to the features, and finally each micro batch again, to propagate its part of that gradient.
    """
    student, teacher = _encode_without_graph(state, micro_batches)
    leaves = {name: features.requires_grad_() for name, features in _present_fields(student).items()}
    losses = compute_losses(state.method, student, teacher)
    state.scaler.scale(losses.total).backward()  # type: ignore[no-untyped-call]
    grads = {name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for name, leaf in leaves.items()}
    start = 0
    for i, micro_batch in enumerate(micro_batches):
        rows = slice(start, start + len(micro_batch.keys))
        start = rows.stop
        is_last = i == len(micro_batches) - 1
        with _no_sync(state.forward) if not is_last else nullcontext(), _autocast(state, micro_batch):
            outputs = _present_fields(state.forward(micro_batch.views, micro_batch.ids))
            # Features are (views, batch, dim). Scales are scalars, which all micro batches share: propagated once.
            own = [grads[name][:, rows] if x.ndim == 3 else grads[name] * is_last for name, x in outputs.items()]
            torch.autograd.backward(list(outputs.values()), own)
    return _detach(losses)


@torch.no_grad()
def _encode_without_graph(state: TrainState, micro_batches: list[Batch]) -> tuple[StudentViews, TeacherViews | None]:
    """The features of all micro batches, concatenated along the batch."""
    module = state.forward.module if isinstance(state.forward, DistributedDataParallel) else state.forward
    students, teachers = [], []
    for micro_batch in micro_batches:
        with _autocast(state, micro_batch):
            students.append(module(micro_batch.views, micro_batch.ids))
        if (teacher := _run_teacher(state, micro_batch)) is not None:
            teachers.append(teacher)
    student = _concatenate(students)
    if not teachers:
        return student, None
    images, texts = (torch.cat([getattr(t, side) for t in teachers], dim=1) for side in ("images", "texts"))
    return student, TeacherViews(images, texts)


def _concatenate(students: list[StudentViews]) -> StudentViews:
    """Features concatenated along the batch; of the scales, which are the same in all, one copy."""
    joined: dict[str, Tensor | None] = {field.name: None for field in fields(StudentViews)}
    for name, first in _present_fields(students[0]).items():
        features = [getattr(student, name) for student in students]
        joined[name] = first.clone() if first.ndim == 0 else torch.cat(features, dim=1)
    return StudentViews(**joined)  # type: ignore[arg-type]


def _run_teacher(state: TrainState, batch: Batch) -> TeacherViews | None:
    """None without distillation."""
    if not state.method.has_distillation:
        return None
    with _autocast(state, batch):
        return teacher_forward(state.teacher, batch)


def _autocast(state: TrainState, batch: Batch) -> AbstractContextManager[object]:
    if state.precision == "fp32":
        return nullcontext()
    dtype = torch.bfloat16 if state.precision == "bf16" else torch.float16
    return torch.autocast(batch.ids[0].device.type, dtype=dtype)


def _no_sync(forward: nn.Module) -> AbstractContextManager[object]:
    """DDP sums the ranks' gradients once, in the backward pass of the last micro batch."""
    return forward.no_sync() if isinstance(forward, DistributedDataParallel) else nullcontext()


def _present_fields(views: StudentViews) -> Mapping[str, Tensor]:
    """The fields that are not None, by name."""
    values = {field.name: getattr(views, field.name) for field in fields(StudentViews)}
    return {name: value for name, value in values.items() if value is not None}


def _detach(losses: Losses) -> Losses:
    terms = {field.name: getattr(losses.terms, field.name) for field in fields(DistillLosses)}
    detached = {name: None if term is None else term.detach() for name, term in terms.items()}
    penalty = None if losses.penalty is None else losses.penalty.detach()
    return Losses(losses.clip.detach(), losses.distill.detach(), DistillLosses(**detached), penalty)
