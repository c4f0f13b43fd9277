import pytest

from trainer.presets import PRESETS, fit_to_data, set_steps


@pytest.mark.parametrize(
    ("name", "n_samples", "batch", "workers", "n_steps", "warmup"),
    [
        ("tiny", 50, 25, 2, 80, 8),  # both workers give batches of their own half
        ("tiny", 9, 9, 0, 40, 4),
        ("tiny", 1000, 64, 2, 640, 64),
        ("tiny", 100_000, 64, 2, 1000, 100),
        ("small", 50, 25, 2, 80, 8),
        ("mini-head", 50, 50, 0, 20, 2),
        ("mini-head", 6091, 256, 0, 480, 24),
    ],
)
def test_a_preset_is_fitted_to_the_number_of_samples(name, n_samples, batch, workers, n_steps, warmup):
    config = fit_to_data(PRESETS[name], lambda: n_samples)
    assert (config.batch, config.workers, config.total_steps(n_samples), config.warmup) == (
        batch, workers, n_steps, warmup
    )  # fmt: skip
    assert config.batch * max(1, config.workers) <= n_samples or n_samples > 1000


def test_the_papers_presets_are_not_fitted_to_the_data_whose_samples_are_then_not_counted():
    def fail() -> int:
        raise AssertionError("this reads all shards")

    assert fit_to_data(PRESETS["cc3m-b16"], fail) == PRESETS["cc3m-b16"]
    assert fit_to_data(PRESETS["tiny"], lambda: 0) == PRESETS["tiny"]


def test_a_number_of_steps_shortens_the_warmup():
    short = set_steps(PRESETS["cc3m-b16"], 40)
    assert (short.total_steps(10**6), short.warmup) == (40, 4)
