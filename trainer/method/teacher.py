"""The teacher: an exponential moving average of the student (paper §3.4)."""

from copy import deepcopy

import torch

from trainer.method.network import Network

__all__ = ["make_teacher", "update_ema"]


def make_teacher(student: Network) -> Network:
    """A copy of the student with all its parameters, none of which requires a gradient."""
    return deepcopy(student).requires_grad_(False)


@torch.no_grad()
def update_ema(teacher: Network, student: Network, momentum: float) -> None:
    """θ_t ← m θ_t + (1 - m) θ_s, for all parameters that are trained; the others are equal in both.

    The training step calls this before the optimizer's step, so the teacher lags one step behind.
    """
    pairs = zip(teacher.parameters(), student.parameters(), strict=True)
    averages, values = zip(*((t.data, s.data) for t, s in pairs if s.requires_grad), strict=True)
    torch._foreach_mul_(averages, momentum)
    torch._foreach_add_(averages, values, alpha=1 - momentum)
