import pytest

from trainer.method.schedules import lr_at, momentum_at


@pytest.mark.parametrize(("step", "lr"), [(0, 0.1), (4, 0.5), (9, 1), (10, 1), (60, 0.5), (110, 0)])
def test_the_learning_rate_rises_linearly_then_falls_on_a_half_cosine(step, lr):
    assert lr_at(step, base=1, warmup=10, total=110) == pytest.approx(lr, abs=1e-12)


@pytest.mark.parametrize(("step", "momentum"), [(0, 0.9), (50, 0.95), (100, 1)])
def test_the_momentum_rises_to_1_on_a_half_cosine(step, momentum):
    assert momentum_at(step, base=0.9, total=100) == pytest.approx(momentum)
