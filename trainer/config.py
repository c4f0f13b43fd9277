"""How a network is trained: one record, read from JSON and written beside what it made."""

import json
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

from cosmos_search.model_config import cosmos_values
from cosmos_search.network.cosmos import CosmosConfig
from indexer.errors import CosmosSearchError
from indexer.files import read_file, replace_file
from trainer.method.step import Precision
from trainer.method.student import Method

__all__ = ["PRESETS", "TrainConfig", "load_config", "save_config"]

MAX_BYTES = 1 << 20  # of a config
TEXT_MODES = ("dreamlip", "pixelprose", "sentences")
N_ASKING_HEADS = 8  # of cross-attention, in every network (cosmos_search.network.cross_attention)
B16 = CosmosConfig()


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The defaults are the authors' recipe for CC3M with ViT-B/16.

    `batch` is the global one, over all processes. Steps come from `n_samples`, `n_epochs` and `batch`, rounded up to
    a multiple of the loader's `workers`; `n_steps`, where it is not 0, says them outright.
    """

    network: CosmosConfig = B16
    # the data: how captions are stored, and how views are cut
    text_mode: str = "dreamlip"
    n_samples: int = 2_823_019  # 0: as many as there are
    n_local_images: int = 6
    local_side: int = 96  # pixels
    crop_border: float = 0.4  # of the area: least of a global view, most of a local one
    is_disturbed: bool = True  # crops are flipped, blurred and recoloured; off where captions tell sides and colours
    n_captions: int = 8  # two of them global
    sample_shuffle: int = 5000
    workers: int = 16
    # the method; all off is CLIP (Table 5)
    image_crops: bool = True
    image_distillation: bool = True
    text_crops: bool = True
    text_distillation: bool = True
    cross_attention: bool = True
    # the recipe
    batch: int = 1024
    n_epochs: int = 32
    n_steps: int = 0
    lr: float = 5e-4
    warmup: int = 2000  # steps
    weight_decay: float = 0.5
    beta1: float = 0.9
    beta2: float = 0.98
    eps: float = 1e-8
    momentum: float = 0.999  # of the teacher
    is_momentum_fixed: bool = True  # else on a half cosine to 1
    seed: int = 0
    # the machine
    precision: Precision = "fp16"
    n_parts: int = 1  # a batch is seen in so many, with the gradient of the whole
    is_checkpointed: bool = False  # activations are made anew for the gradient
    is_compiled: bool = False
    save_every: int = 2768  # steps
    keep_last: int = 3  # checkpoints
    log_every: int = 10  # steps

    def __post_init__(self) -> None:
        if problems := "; ".join(_problems(self)):
            raise CosmosSearchError(f"The training config does not work: {problems}.")

    @property
    def method(self) -> Method:
        """The parts that the step knows; crops are the data's."""
        return Method(self.image_distillation, self.text_distillation, self.cross_attention)

    def total_steps(self, n_samples: int) -> int:
        """n_samples: how many there are, for a config that doesn't say."""
        if self.n_steps:
            return self.n_steps
        per_epoch = -(-(self.n_samples or n_samples) // self.batch)
        return self.n_epochs * (-(-per_epoch // self.workers) * self.workers if self.workers else per_epoch)


def load_config(path: Path) -> TrainConfig:
    """From JSON; what it doesn't say is as by default. Raises CosmosSearchError for an unknown key or a wrong kind."""
    try:
        content: dict[str, Any] = json.loads(read_file(path, MAX_BYTES).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CosmosSearchError(f"{path} is no training config ({error}).") from error
    if not isinstance(content, dict):
        raise CosmosSearchError(f"{path} is no training config: it is no JSON object.")
    network = content.pop("network", {})
    if not isinstance(network, dict):
        raise CosmosSearchError(f"{path}: network is no JSON object.")
    config = TrainConfig(
        network=CosmosConfig(**_checked(network, CosmosConfig, path)), **_checked(content, TrainConfig, path)
    )
    cosmos_values(asdict(config.network), path)  # within bounds, too
    return config


def save_config(config: TrainConfig, path: Path) -> None:
    """As JSON, every key."""
    text = json.dumps(asdict(config), indent=2) + "\n"
    replace_file(path, lambda file: file.write(text.encode()))


def _checked(content: dict[str, Any], record: type, path: Path) -> dict[str, Any]:
    defaults = {field.name: field.default for field in fields(record)}
    for name, value in content.items():
        if name not in defaults:
            raise CosmosSearchError(f"{path} has the key {name!r}, which no training config has.")
        wanted = type(defaults[name])
        is_whole = wanted is float and type(value) is int
        if type(value) is not wanted and not is_whole:
            raise CosmosSearchError(f"{path}: {name} must be {wanted.__name__}, not {json.dumps(value)}.")
    return content


def _problems(config: TrainConfig) -> list[str]:
    """What a run would stumble over."""
    network, found = config.network, []
    vision = ("embed_dim", "image_size", "patch_size", "vision_width", "vision_layers", "vision_heads")
    text = ("text_width", "text_layers", "text_heads", "context_length", "vocab_size")
    if small := [name for name in (*vision, *text) if getattr(network, name) < 1]:
        return [f"network's {name} must be above 0" for name in small]
    positive = ("batch", "n_parts", "keep_last", "save_every", "log_every", "n_captions", "local_side", "lr", "eps")
    found += [f"{name} must be above 0" for name in positive if getattr(config, name) <= 0]
    whole = (
        "n_samples",
        "n_local_images",
        "sample_shuffle",
        "workers",
        "n_epochs",
        "n_steps",
        "warmup",
        "weight_decay",
    )
    found += [f"{name} must not be below 0" for name in whole if getattr(config, name) < 0]
    found += [f"{name} must lie between 0 and 1" for name in ("beta1", "beta2") if not 0 <= getattr(config, name) < 1]
    if not config.n_steps and not config.n_epochs:
        found.append("n_steps or n_epochs must be above 0")
    if network.image_size % network.patch_size:
        found.append(f"image_size {network.image_size} is no multiple of the patch, {network.patch_size}")
    for tower in ("vision", "text"):
        width, heads = getattr(network, f"{tower}_width"), getattr(network, f"{tower}_heads")
        if width % heads:
            found.append(f"{tower}_width {width} can't be shared by {heads} heads")
    if network.text_width != network.embed_dim or network.embed_dim % N_ASKING_HEADS:
        found.append(f"text_width and embed_dim must be one number, a multiple of {N_ASKING_HEADS}")
    if config.text_mode not in TEXT_MODES:
        found.append(f"text_mode is {config.text_mode!r}, and not one of {', '.join(TEXT_MODES)}")
    if config.precision not in get_args(Precision):
        found.append(f"precision is {config.precision!r}, and not one of {', '.join(get_args(Precision))}")
    if config.cross_attention and not (config.image_distillation and config.text_distillation):
        found.append("cross_attention needs image_distillation and text_distillation")
    if config.text_crops and config.n_captions < 2:
        found.append("text_crops needs n_captions of 2 or more")
    if config.n_local_images and config.local_side % network.patch_size:
        found.append(f"local_side {config.local_side} is no multiple of the patch, {network.patch_size}")
    if not 0.05 < config.crop_border < 1:
        found.append("crop_border must lie between 0.05 and 1")
    if not 0 <= config.momentum <= 1:
        found.append("momentum must lie between 0 and 1")
    return found


B32 = CosmosConfig(patch_size=32)
_large = partial(replace, batch=4096, momentum=0.99)
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
    weight_decay=0.1, momentum=0.99, precision="fp32", log_every=10,
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
    "small": _cpu(network=SMALL, local_side=64, batch=128, n_epochs=0, n_steps=5000, warmup=300, save_every=250),
}
