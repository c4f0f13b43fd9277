import pytest
import torch

from tests.learners import micro_batch, micro_learner
from trainer.method.step import NotFiniteError, forward_backward, training_step
from trainer.method.student import Method


def gradients(learner):
    return {name: p.grad for name, p in learner.student.named_parameters()}


@pytest.mark.parametrize("n_micro_batches", [2, 4, 6])
def test_micro_batches_have_the_gradient_of_the_whole_batch(n_micro_batches):
    whole, parts = micro_learner(), micro_learner(n_micro_batches=n_micro_batches)
    losses = [forward_backward(learner, micro_batch()) for learner in (whole, parts)]
    torch.testing.assert_close(losses[0].total, losses[1].total)
    expected, found = gradients(whole), gradients(parts)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, atol=2e-6, rtol=2e-4, msg=name)


def test_micro_batches_train_as_the_whole_batch_without_distillation_too():
    method = Method(image_distillation=False, text_distillation=False, cross_attention=False)
    whole, parts = micro_learner(method), micro_learner(method, n_micro_batches=3)
    for learner in (whole, parts):
        training_step(learner, micro_batch(), lr=1e-3, ema_momentum=0.9)
    for one, other in zip(whole.student.parameters(), parts.student.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_the_teacher_is_averaged_with_the_student_of_before_the_step():
    learner = micro_learner()
    before = [p.detach().clone() for p in learner.student.parameters()]
    with torch.no_grad():
        for p in learner.teacher.visual.parameters():
            p.add_(1)
    shifted = [p.detach().clone() for p in learner.teacher.parameters()]
    training_step(learner, micro_batch(), lr=1e-2, ema_momentum=0.5)
    parameters = learner.teacher.parameters(), learner.student.parameters()
    for teacher, student, old, old_teacher in zip(*parameters, before, shifted, strict=True):
        torch.testing.assert_close(teacher, (old + old_teacher) / 2)
        assert student.numel() == 1 or not torch.equal(student, old)


def test_a_step_uses_its_learning_rate_and_clamps_the_scales():
    learner = micro_learner()
    with torch.no_grad():
        learner.student.logit_scale.fill_(9)
        learner.teacher.distill_logit_scale.fill_(-1)
    before = {name: p.detach().clone() for name, p in learner.student.named_parameters()}
    training_step(learner, micro_batch(), lr=0.0, ema_momentum=0.9)
    assert learner.student.logit_scale.exp().item() == pytest.approx(100)
    assert learner.teacher.distill_logit_scale >= 0
    unchanged = [name for name, p in learner.student.named_parameters() if torch.equal(p, before[name])]
    assert unchanged == [name for name in before if name != "logit_scale"]


def test_training_lowers_the_loss():
    learner = micro_learner()
    losses = [training_step(learner, micro_batch(), lr=3e-3, ema_momentum=0.99).clip.item() for _ in range(30)]
    assert losses[-1] < losses[0] / 2


def test_a_loss_that_is_no_number_changes_nothing():
    learner = micro_learner()
    batch = micro_batch()
    batch.views[0][1, 0, 0, 0] = torch.nan
    before = [p.detach().clone() for p in learner.student.parameters()]
    with pytest.raises(NotFiniteError, match="nan"):
        training_step(learner, batch, lr=1e-3, ema_momentum=0.9)
    assert all(torch.equal(p, old) for p, old in zip(learner.student.parameters(), before, strict=True))


@pytest.mark.parametrize(
    ("method", "terms"),
    [
        (Method(False, False, False), []),
        (Method(True, False, False), ["image_image"]),
        (Method(False, True, False), ["text_text"]),
        (Method(True, True, False), ["image_image", "text_text"]),
        (Method(), ["image_image", "image_text", "text_image", "text_text"]),
    ],
)
def test_every_part_can_be_switched_off(method, terms):
    learner = micro_learner(method)
    losses = forward_backward(learner, micro_batch())
    names = ("image_image", "image_text", "text_image", "text_text")
    assert [name for name in names if getattr(losses.terms, name) is not None] == terms
    assert (learner.student.visual.attn_cross_pool.attn.in_proj_weight.grad is not None) == method.cross_attention


def test_one_view_and_one_caption_are_plain_clip():
    learner = micro_learner(Method(False, False, False))
    batch = micro_batch(n_local=0, n_captions=1)
    one = type(batch)(batch.keys, batch.views[:1], batch.ids)
    assert forward_backward(learner, one).distill == 0


def test_bfloat16_comes_close():
    exact, rough = (forward_backward(micro_learner(precision=p), micro_batch()) for p in ("fp32", "bf16"))
    torch.testing.assert_close(exact.total, rough.total, rtol=0.03, atol=0)
    assert exact.total != rough.total
