import json
from dataclasses import replace

import pytest

from indexer.errors import CosmosSearchError
from tests import DATA
from trainer.config import TrainConfig, load_config, save_config
from trainer.presets import PRESETS

STEPS = {"cc3m": 88_576, "cc12m": 78_336, "yfcc15m": 110_080, "merged30m": 210_432, "pixelprose": 117_760}


@pytest.mark.parametrize("name", PRESETS)
def test_a_config_comes_back_from_json(name, tmp_path):
    save_config(PRESETS[name], tmp_path / "config.json")
    assert load_config(tmp_path / "config.json") == PRESETS[name]


@pytest.mark.parametrize(("data", "steps"), STEPS.items())
@pytest.mark.parametrize("size", ["b16", "b32"])
def test_the_papers_runs_have_the_recipes_numbers(data, steps, size):
    config = PRESETS[f"{data}-{size}"]
    assert config.total_steps(0) == steps
    assert config.batch == (1024 if data == "cc3m" else 4096)
    assert config.ema_momentum == (0.999 if data == "cc3m" else 0.99)
    assert config.text_mode == ("pixelprose" if data == "pixelprose" else "dreamlip")
    assert (config.lr, config.weight_decay, config.beta1, config.beta2, config.eps) == (5e-4, 0.5, 0.9, 0.98, 1e-8)
    assert (config.warmup, config.n_epochs, config.crop_border, config.local_side) == (2000, 32, 0.4, 96)
    assert (config.n_local_images, config.n_captions, config.is_ema_momentum_constant) == (6, 8, True)
    assert config.network.patch_size == int(size[1:])


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ({"learning_rate": 1}, "learning_rate"),
        ({"network": {"depth": 3}}, "depth"),
        ({"lr": "fast"}, "lr must be float"),
        ({"batch": True}, "batch must be int"),
        ({"batch": 0}, "batch must be above 0"),
        ({"image_distillation": False}, "cross_attention needs"),
        ({"text_mode": "poems"}, "poems"),
        ({"precision": "fp8"}, "fp8"),
        ({"local_side": 90}, "local_side"),
        ({"workers": -1}, "workers must not be below 0"),
        ({"n_epochs": 0}, "n_steps or n_epochs"),
        ({"beta1": 1.5}, "beta1 must lie"),
        ({"lr": float("nan")}, "lr must be above 0"),
        ({"ema_momentum": 2.0}, "ema_momentum must lie"),
        ({"crop_border": 0.01}, "crop_border must lie between 0.05 and 1"),
        ({"n_captions": 1}, "text_crops needs n_captions of 2 or more"),
        ({"network": {"patch_size": 0}}, "patch_size must be above 0"),
        ({"network": {"image_size": 230}}, "image_size 230 is not a multiple of patch_size 16"),
        ({"network": {"vision_heads": 5}}, "vision_width 768 is not a multiple of vision_heads 5"),
        ({"network": {"embed_dim": 64}}, "must be equal"),
        ({"batch": 0, "lr": 0}, "batch must be above 0; lr must be above 0"),
        ([], "not a JSON object"),
        ({"network": 3}, "network"),
        ({"network": {"vision_layers": 10**9}}, "vision_layers must lie between 1 and 256"),
        ({"network": {"vocab_size": 10**9}}, "vocab_size must lie"),
        ({"network": {"image_size": 4096, "patch_size": 16}}, "more than 10,000 patches"),
    ],
)
def test_a_wrong_config_is_refused_with_the_reason(content, word, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(CosmosSearchError, match=word):
        load_config(tmp_path / "config.json")


def test_a_config_of_an_earlier_version_is_read():
    """The stored file has each renamed key, with a value that is not the default."""
    assert load_config(DATA / "earlier-run-config.json") == replace(
        PRESETS["tiny"],
        augment=False,
        ema_momentum=0.95,
        is_ema_momentum_constant=False,
        n_micro_batches=2,
        activation_checkpointing=True,
        torch_compile=True,
    )


def test_a_key_may_not_appear_under_its_old_and_its_new_name(tmp_path):
    (tmp_path / "config.json").write_text('{"momentum": 0.9, "ema_momentum": 0.9}')
    with pytest.raises(CosmosSearchError, match="both 'ema_momentum' and its old name 'momentum'"):
        load_config(tmp_path / "config.json")


def test_an_integer_is_valid_for_a_float(tmp_path):
    (tmp_path / "config.json").write_text('{"lr": 1}')
    assert load_config(tmp_path / "config.json").lr == 1


def test_steps_come_from_the_data_where_the_config_does_not_say():
    assert TrainConfig(n_samples=0, workers=0, batch=10, n_epochs=2).total_steps(95) == 20
