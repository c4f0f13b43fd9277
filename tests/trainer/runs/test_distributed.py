"""Training on two processes against the same batch on one (the authors' way: gathered without gradient)."""

import pytest
import torch
from torch.nn import functional as F

from tests.learners import micro_batch, micro_learner, slow_nce
from tests.ranks import WORLD, on_two_ranks
from trainer.method.step import forward_backward, training_step
from trainer.method.student import Method


def features(seed=0):
    """Each (rank, views, batch, dim)."""
    random = torch.Generator().manual_seed(seed)
    n_views = {"si": 5, "st": 4, "xi": 5, "xt": 4, "ti": 2, "tt": 2}
    views = {name: F.normalize(torch.randn(2, n, 3, 8, generator=random), dim=-1) for name, n in n_views.items()}
    return views | {"scale": torch.tensor(12.0), "dscale": torch.tensor(7.0)}


def slow_losses(inputs):
    views = {name: torch.cat(list(x), dim=1) for name, x in inputs.items() if x.ndim == 4}
    clip = slow_nce(views["si"][:2], views["st"], inputs["scale"])
    pairs = [(seen, target) for seen in ("xi", "xt") for target in ("ti", "tt")]
    return clip, sum(slow_nce(views[a], views[b], inputs["dscale"]) for a, b in pairs) / 4


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    return on_two_ranks(tmp_path_factory.mktemp("ranks"), features())


def test_each_rank_has_the_whole_loss_and_its_own_rows_gradient(ranks):
    leaves = {name: x.requires_grad_() for name, x in features().items()}
    clip, distill = slow_losses(leaves)
    (clip + distill).backward()
    for rank, found in enumerate(found["loss"] for found in ranks):
        torch.testing.assert_close(found["clip_loss"], clip.detach())
        torch.testing.assert_close(found["distill_loss"], distill.detach())
        for name in ("si", "st", "xi", "xt"):
            torch.testing.assert_close(found[f"g_{name}"], leaves[name].grad[rank], atol=1e-6, rtol=1e-5)
        for name in ("scale", "dscale"):
            torch.testing.assert_close(found[f"g_{name}"], leaves[name].grad)


def test_plain_clip_trains_on_two_ranks_for_more_than_a_step(ranks):
    learner = micro_learner(Method(False, False, False))
    for _ in range(2):
        losses = training_step(learner, micro_batch(), lr=1e-3, ema_momentum=0.99)
    for found in ranks:
        torch.testing.assert_close(found["clip"], losses.total, atol=0, rtol=1e-3)  # half the gradient, and Adam's eps


@pytest.mark.parametrize("name", ["whole", "parts"])
def test_ddp_gives_encoders_the_gradient_over_the_world_and_scales_the_whole(name, ranks):
    learner = micro_learner()
    losses = forward_backward(learner, micro_batch())
    for found in (found[name] for found in ranks):
        torch.testing.assert_close(found["total"], losses.total)
        for parameter, p in learner.student.named_parameters():
            share = 1 if parameter.endswith("logit_scale") else WORLD
            torch.testing.assert_close(found[parameter] * share, p.grad, atol=2e-6, rtol=2e-4, msg=parameter)
