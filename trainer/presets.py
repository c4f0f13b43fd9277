"""Named training configs, and their adaptation to the number of samples and of steps."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from cosmos_search.network.cosmos import CosmosConfig
from cosmos_search.network.mini import MiniNetworkConfig
from trainer.config import B16, TrainConfig

__all__ = ["PRESETS", "fit_to_data", "set_steps"]

MIN_SAMPLES_PER_WORKER = 16  # with fewer, samples are loaded by the process of the run itself
MAX_EPOCHS = 40  # of a preset with a number of steps, where there are few samples
WARMUP_SHARE = 10  # the warmup takes at most a tenth of the steps where these are set by the data or the user

B32 = CosmosConfig(patch_size=32)
_large = partial(replace, batch=4096, ema_momentum=0.99)
_CC3M = TrainConfig()
_DATA = {
    "cc3m": _CC3M,
    "cc12m": _large(_CC3M, n_samples=10_010_225, save_every=2448),
    "yfcc15m": _large(_CC3M, n_samples=14_065_827, save_every=3440),
    "merged30m": _large(_CC3M, n_samples=26_899_071, save_every=6576),
    "pixelprose": _large(_CC3M, n_samples=15_037_386, save_every=3680, text_mode="pixelprose"),
}
TINY = CosmosConfig(
    embed_dim=64, image_size=64, patch_size=8, vision_width=96, vision_layers=4, vision_heads=3,
    text_width=64, text_layers=3, text_heads=4, context_length=77,
)  # fmt: skip
SMALL = CosmosConfig(
    embed_dim=256, image_size=128, patch_size=16, vision_width=256, vision_layers=6, vision_heads=4,
    text_width=256, text_layers=4, text_heads=4, context_length=77,
)  # fmt: skip
_cpu = partial(
    replace, _CC3M, text_mode="sentences", n_samples=0, workers=2, sample_shuffle=1000,
    weight_decay=0.1, ema_momentum=0.99, precision="fp32", log_every=10,
)  # fmt: skip

# On Flickr8k, self-distillation takes three times as long and finds no more (docs/experiment.md).
_mini = partial(
    _cpu, image_distillation=False, text_distillation=False, cross_attention=False, n_local_images=0, n_captions=6,
    augment=False, batch=256, workers=0, warmup=24, ema_momentum=0.98, weight_decay=0.05, beta2=0.999, save_every=96,
)  # fmt: skip

PRESETS: dict[str, TrainConfig] = {
    **{
        f"{data}-{size}": replace(config, network=network)
        for data, config in _DATA.items()
        for size, network in (("b16", B16), ("b32", B32))
    },
    "tiny": _cpu(
        network=TINY,
        local_side=32,
        n_local_images=4,
        n_captions=6,
        batch=64,
        n_epochs=0,
        n_steps=1000,
        warmup=100,
        lr=1e-3,
        save_every=100,
    ),
    "mini-head": _mini(network=MiniNetworkConfig(train_blocks=False), lr=1e-3, n_epochs=20),
    "mini-finetune": _mini(network=MiniNetworkConfig(dropout=0.2), lr=4e-4, n_epochs=6),
    "small": _cpu(network=SMALL, local_side=64, batch=128, n_epochs=0, n_steps=5000, warmup=300, save_every=250),
}


def fit_to_data(config: TrainConfig, count_samples: Callable[[], int]) -> TrainConfig:
    """The preset for data of a certain size; unchanged if it has a number of samples of its own.

    No batch holds a sample twice, as a negative of itself, and a number of steps is at most that of 40 epochs.
    count_samples: is called only if the number is needed, because it reads all shards.
    """
    if config.n_samples or not (n_samples := count_samples()):
        return config
    workers = config.workers if n_samples >= MIN_SAMPLES_PER_WORKER * config.workers else 0
    config = replace(config, workers=workers, batch=min(config.batch, n_samples // max(1, workers)))
    n_steps = config.total_steps(n_samples)
    if not config.n_steps:
        return replace(config, warmup=min(config.warmup, n_steps // WARMUP_SHARE))
    return set_steps(config, min(n_steps, replace(config, n_steps=0, n_epochs=MAX_EPOCHS).total_steps(n_samples)))


def set_steps(config: TrainConfig, n_steps: int) -> TrainConfig:
    """The config with a number of steps, and a warmup of at most a tenth of them."""
    return replace(config, n_steps=n_steps, warmup=min(config.warmup, n_steps // WARMUP_SHARE))
