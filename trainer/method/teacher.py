"""The teacher: the student's moving average (paper §3.4), never trained itself."""

from copy import deepcopy

import torch

from cosmos_search.network.cosmos import CosmosModel

__all__ = ["follow", "make_teacher"]


def make_teacher(student: CosmosModel) -> CosmosModel:
    """A copy of the student, all parameters with it, that asks for no gradient."""
    return deepcopy(student).requires_grad_(False)


@torch.no_grad()
def follow(teacher: CosmosModel, student: CosmosModel, momentum: float) -> None:
    """θ_t ← m θ_t + (1 - m) θ_s, over all parameters.

    Called before the optimizer's step, so the teacher lags one step behind.
    """
    theirs = [parameter.data for parameter in teacher.parameters()]
    torch._foreach_mul_(theirs, momentum)
    torch._foreach_add_(theirs, [parameter.data for parameter in student.parameters()], alpha=1 - momentum)
