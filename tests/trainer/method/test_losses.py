import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests import DATA
from tests.learners import slow_nce
from trainer.method.losses import DistillLosses, StudentViews, TeacherViews, cosmos_losses, info_nce

EXPECTED = DATA / "parity/expected"


def unit(*shape, seed=0):
    random = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(*shape, generator=random, dtype=torch.float32), dim=-1)


@pytest.mark.parametrize("chunk", [1, 50, 2**20])
def test_the_lean_loss_and_its_gradients_are_the_slow_ones(chunk):
    inputs = [unit(3, 7, 5), unit(2, 7, 5, seed=1), torch.tensor(9.0)]
    results = []
    for loss in (lambda *x: info_nce(*x, chunk=chunk), slow_nce):
        leaves = [x.clone().requires_grad_() for x in inputs]
        value = 3 * loss(*leaves)
        value.backward()
        results.append([value.detach(), *(leaf.grad for leaf in leaves)])
    for ours, slow in zip(*results, strict=True):
        torch.testing.assert_close(ours, slow, atol=2e-6, rtol=1e-5)


def test_nothing_of_the_size_of_the_logits_is_kept_for_backward():
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.numel()) or x, lambda x: x):
        info_nce(unit(2, 64, 4).requires_grad_(), unit(3, 64, 4), torch.tensor(5.0, requires_grad=True))
    assert max(kept) < 64 * 64


def test_a_batch_of_one_has_nothing_to_tell_apart():
    assert info_nce(unit(2, 1, 4), unit(3, 1, 4), torch.tensor(5.0)).item() == pytest.approx(0, abs=1e-6)


def test_losses_are_the_official_ones():
    arrays = np.load(EXPECTED / "train_micro.npz")
    step = json.loads((EXPECTED / "train_micro.json").read_text())["steps"][0]
    names = ("s_image_features", "s_text_features", "s_img_crossmodal_features", "s_txt_crossmodal_features")
    scales = (torch.tensor(step[f"{name}logit_scale_exp"]) for name in ("", "distill_"))
    student = StudentViews(*(torch.tensor(arrays[name]) for name in names), *scales)
    teacher = TeacherViews(*(torch.tensor(arrays[name]) for name in ("t_image_features", "t_text_features")))
    losses = cosmos_losses(student, teacher)
    terms = losses.terms
    assert losses.clip.item() == pytest.approx(step["clip_loss"], abs=1e-5)
    assert losses.distill.item() == pytest.approx(step["distill_loss"], abs=1e-5)
    assert losses.total.item() == pytest.approx(step["clip_loss"] + step["distill_loss"], abs=2e-5)
    found = (terms.image_image, terms.image_text, terms.text_image, terms.text_text)
    assert [x.item() for x in found] == pytest.approx(list(step["cosmos_groups"].values()), abs=1e-5)


def test_parts_that_are_off_do_not_count():
    images, texts, seen = unit(3, 4, 5), unit(4, 4, 5, seed=1), unit(3, 4, 5, seed=2)
    teacher = TeacherViews(unit(2, 4, 5, seed=3), unit(2, 4, 5, seed=4))
    student = StudentViews(images, texts, seen, None, torch.tensor(9.0), torch.tensor(5.0))
    alone = cosmos_losses(student, teacher, with_cross_modal=False)
    assert alone.terms.image_text is alone.terms.text_text is None
    assert alone.distill == alone.terms.image_image
    assert cosmos_losses(student, None).distill == 0
    assert cosmos_losses(student, None).terms == DistillLosses()
