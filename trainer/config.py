"""Training configuration: one record, read from JSON and written into the folder of the run."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from cosmos_search.model_config import N_CROSS_ATTENTION_HEADS, cosmos_values
from cosmos_search.models.store import MINI
from cosmos_search.network.cosmos import CosmosConfig
from cosmos_search.network.mini import LAST_BLOCK, MiniNetworkConfig
from indexer.errors import CosmosSearchError
from indexer.files import read_file, replace_file
from trainer.method.losses import N_GLOBAL_VIEWS
from trainer.method.step import Precision
from trainer.method.student import Method

__all__ = ["B16", "MIN_LOCAL_AREA", "NetworkConfig", "TextMode", "TrainConfig", "load_config", "save_config"]

NetworkConfig = CosmosConfig | MiniNetworkConfig  # trained from pixels; on the features of frozen towers
TextMode = Literal["dreamlip", "pixelprose", "sentences"]  # how captions are stored (see docs/training.md)

MAX_BYTES = 1 << 20  # of a config file
FIRST_TRAINABLE_BLOCK = 16  # of EfficientNet-Lite2: the blocks after it have one resolution
MIN_LOCAL_AREA = 0.05  # of the picture's area, in a local crop (trainer.data.multi_crop)
B16 = CosmosConfig()  # ViT-B/16

# Keys that configs of earlier versions have, and their names now.
OLD_NAMES = {
    "is_disturbed": "augment",
    "momentum": "ema_momentum",
    "is_momentum_fixed": "is_ema_momentum_constant",
    "n_parts": "n_micro_batches",
    "is_checkpointed": "activation_checkpointing",
    "is_compiled": "torch_compile",
}


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The defaults are the authors' recipe for CC3M with ViT-B/16.

    `batch` counts the samples of all processes. The number of steps follows from `n_samples`, `n_epochs` and `batch`,
    rounded up to a multiple of the loader's `workers`, unless `n_steps` is above 0, which sets it directly.
    """

    network: NetworkConfig = B16
    # data: how captions are stored, and which views are made of a sample
    text_mode: TextMode = "dreamlip"
    n_samples: int = 2_823_019  # 0: all samples of the data
    n_local_images: int = 6
    local_side: int = 96  # pixels
    crop_border: float = 0.4  # share of the area; the least of a global crop and the most of a local one
    augment: bool = True  # flip, blur and recolor crops; off for captions that mention sides or colors
    n_captions: int = 8  # two of them global
    sample_shuffle: int = 5000  # samples in the shuffle buffer
    workers: int = 16  # of the loader
    # method; CLIP if all are off (Table 5 of the paper)
    image_crops: bool = True
    image_distillation: bool = True
    text_crops: bool = True
    text_distillation: bool = True
    cross_attention: bool = True
    # recipe
    batch: int = 1024
    n_epochs: int = 32
    n_steps: int = 0
    lr: float = 5e-4
    warmup: int = 2000  # steps
    weight_decay: float = 0.5
    beta1: float = 0.9
    beta2: float = 0.98
    eps: float = 1e-8
    ema_momentum: float = 0.999  # of the teacher
    is_ema_momentum_constant: bool = True  # otherwise it rises to 1 on a half cosine
    seed: int = 0
    # machine
    precision: Precision = "fp16"
    n_micro_batches: int = 1  # the batch is processed in this many parts, with the gradient of the whole (GradCache)
    activation_checkpointing: bool = False  # recompute activations in the backward pass
    torch_compile: bool = False
    save_every: int = 2768  # steps
    keep_last: int = 3  # checkpoints
    log_every: int = 10  # steps

    def __post_init__(self) -> None:
        if problems := "; ".join(_find_problems(self)):
            raise CosmosSearchError(f"The training config is not valid: {problems}.")

    @property
    def cosmos_network(self) -> CosmosConfig:
        """The network, in a config that trains one from pixels."""
        assert isinstance(self.network, CosmosConfig), self.network
        return self.network

    @property
    def method(self) -> Method:
        """The parts of the method that concern the training step; crops concern the data."""
        return Method(self.image_distillation, self.text_distillation, self.cross_attention)

    def total_steps(self, n_samples: int) -> int:
        """n_samples: the number of samples in the data, used if the config's own `n_samples` is 0."""
        if self.n_steps:
            return self.n_steps
        per_epoch = -(-(self.n_samples or n_samples) // self.batch)
        return self.n_epochs * (-(-per_epoch // self.workers) * self.workers if self.workers else per_epoch)


def load_config(path: Path) -> TrainConfig:
    """A config from JSON; missing keys have their defaults. Reads names of earlier versions (OLD_NAMES), too.

    Raises CosmosSearchError for an unknown key or a value that is not valid.
    """
    try:
        content: dict[str, Any] = json.loads(read_file(path, MAX_BYTES).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CosmosSearchError(f"{path} is not a valid training config ({error}).") from error
    if not isinstance(content, dict):
        raise CosmosSearchError(f"{path} is not a valid training config: it is not a JSON object.")
    for old in content.keys() & OLD_NAMES.keys():
        if OLD_NAMES[old] in content:
            raise CosmosSearchError(f"{path} has both {OLD_NAMES[old]!r} and its old name {old!r}.")
        content[OLD_NAMES[old]] = content.pop(old)
    network = content.pop("network", {})
    if not isinstance(network, dict):
        raise CosmosSearchError(f"{path}: network is not a JSON object.")
    kind = MiniNetworkConfig if network.get("model_type") == MINI else CosmosConfig
    _check_types(network, kind, path)
    _check_types(content, TrainConfig, path)
    config = TrainConfig(network=kind(**network), **content)
    if isinstance(config.network, CosmosConfig):
        cosmos_values(asdict(config.network), path)  # checks the upper bounds of the sizes
    return config


def save_config(config: TrainConfig, path: Path) -> None:
    """Write all keys as JSON."""
    text = json.dumps(asdict(config), indent=2) + "\n"
    replace_file(path, lambda file: file.write(text.encode()))


def _check_types(content: dict[str, Any], record: type, path: Path) -> None:
    """Raise CosmosSearchError unless each key is a field of the record with a value of its default's type."""
    defaults = {field.name: field.default for field in fields(record)}
    for name, value in content.items():
        if name not in defaults:
            raise CosmosSearchError(f"{path} has the key {name!r}, which is not a key of training configs.")
        wanted = type(defaults[name])
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise CosmosSearchError(f"{path}: {name} must be {wanted.__name__}, not {json.dumps(value)}.")


def _find_problems(config: TrainConfig) -> list[str]:
    network = config.network
    if isinstance(network, MiniNetworkConfig):
        return [*_find_values_out_of_range(config), *_find_mini_problems(network), *_find_conflicts(config)]
    sizes = [field.name for field in fields(CosmosConfig) if field.name != "model_type"]
    if too_small := [name for name in sizes if getattr(network, name) < 1]:
        return [f"network's {name} must be above 0" for name in too_small]  # other checks divide by these
    return [*_find_values_out_of_range(config), *_find_network_problems(network), *_find_conflicts(config)]


def _find_values_out_of_range(config: TrainConfig) -> Iterator[str]:
    """Problems of single values."""
    for name in ("batch", "n_micro_batches", "keep_last", "save_every", "log_every", "n_captions", "local_side"):
        if getattr(config, name) <= 0:
            yield f"{name} must be above 0"
    for name in ("lr", "eps"):
        if not getattr(config, name) > 0:  # false for NaN, too
            yield f"{name} must be above 0"
    for name in ("n_samples", "n_local_images", "sample_shuffle", "workers", "n_epochs", "n_steps", "warmup"):
        if getattr(config, name) < 0:
            yield f"{name} must not be below 0"
    if not config.weight_decay >= 0:
        yield "weight_decay must not be below 0"
    for name in ("beta1", "beta2"):
        if not 0 <= getattr(config, name) < 1:
            yield f"{name} must lie between 0 and 1"
    if not 0 <= config.ema_momentum <= 1:
        yield "ema_momentum must lie between 0 and 1"
    if not MIN_LOCAL_AREA < config.crop_border < 1:
        yield f"crop_border must lie between {MIN_LOCAL_AREA} and 1"
    for name, allowed in (("text_mode", get_args(TextMode)), ("precision", get_args(Precision))):
        if (value := getattr(config, name)) not in allowed:
            yield f"{name} is {value!r}, and not one of {', '.join(allowed)}"


def _find_network_problems(network: CosmosConfig) -> Iterator[str]:
    """Sizes of the network that do not fit each other."""
    if network.image_size % network.patch_size:
        yield f"image_size {network.image_size} is not a multiple of patch_size {network.patch_size}"
    for tower in ("vision", "text"):
        width, heads = getattr(network, f"{tower}_width"), getattr(network, f"{tower}_heads")
        if width % heads:
            yield f"{tower}_width {width} is not a multiple of {tower}_heads {heads}"
    if network.text_width != network.embed_dim or network.embed_dim % N_CROSS_ATTENTION_HEADS:
        yield f"text_width and embed_dim must be equal, and a multiple of {N_CROSS_ATTENTION_HEADS}"


def _find_mini_problems(network: MiniNetworkConfig) -> Iterator[str]:
    if not FIRST_TRAINABLE_BLOCK <= network.first_block <= LAST_BLOCK:
        yield f"first_block must lie between {FIRST_TRAINABLE_BLOCK} and {LAST_BLOCK}"
    for name in ("head_share", "dropout"):
        if not 0 <= getattr(network, name) <= 1:
            yield f"{name} must lie between 0 and 1"
    if not network.temperature > 0 or not (network.keep_classes >= 0 and network.head_classes >= 0):
        yield "temperature must be above 0, and keep_classes and head_classes not below 0"


def _find_conflicts(config: TrainConfig) -> Iterator[str]:
    """Values that do not fit each other."""
    if isinstance(config.network, MiniNetworkConfig) and config.network.dropout and config.n_micro_batches > 1:
        yield "n_micro_batches must be 1 with dropout, which differs between the two passes over a micro batch"
    if not config.n_steps and not config.n_epochs:
        yield "n_steps or n_epochs must be above 0"
    if config.cross_attention and not (config.image_distillation and config.text_distillation):
        yield "cross_attention needs image_distillation and text_distillation"
    if config.text_crops and config.n_captions < N_GLOBAL_VIEWS:
        yield f"text_crops needs n_captions of {N_GLOBAL_VIEWS} or more"
    network = config.network
    if isinstance(network, CosmosConfig) and config.n_local_images and config.local_side % network.patch_size:
        yield f"local_side {config.local_side} is not a multiple of patch_size {network.patch_size}"
