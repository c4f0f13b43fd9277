"""Read the authors' checkpoints without running code in them, check them strictly, convert them to model directories.

A published file contains student, teacher, and AdamW's two moments, each in fp32: four times what search needs.
"""

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, cast

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from cosmos_search.json_files import read_object, write_object
from cosmos_search.model_config import CLIP_VOCAB_SIZE, Role, cosmos_values
from cosmos_search.network.cosmos import CosmosConfig, CosmosModel
from cosmos_search.network.errors import MissingModelFileError
from cosmos_search.network.model_files import find_files, read_part
from cosmos_search.network.weights import check_memory, load_weights
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import save_clip_tokenizer
from indexer.errors import CosmosSearchError
from indexer.files import open_file

__all__ = ["convert", "load_checkpoint", "load_model", "read_config", "save_model"]

HEAD_WIDTH = 64  # in all published sizes; it cannot be derived from the shapes of tensors

_make_scalar = cast(Callable[..., Any], np.float64(0).__reduce__()[0])

# AdamW's groups contain the learning rate as a numpy float64; beyond torch's own list, only that is allowed.
ALLOWED: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    np.dtype,
    np.dtypes.Float64DType,
    (_make_scalar, "numpy._core.multiarray.scalar"),
    (_make_scalar, "numpy.core.multiarray.scalar"),  # before numpy 2
]


def load_checkpoint(path: Path, role: Role = "teacher", config: CosmosConfig | None = None) -> CosmosModel:
    """The teacher or the student of an official checkpoint.

    config: needed if a width is not a multiple of 64, because shapes do not give the number of heads.
    Raises CosmosSearchError for a file that is damaged, contains anything but tensors and numbers, or does not fit.
    """
    official = _read(path, role)
    config = config or _infer_config(official, path)
    with torch.device("meta"):
        shape = CosmosModel(config)
    check_memory(shape, path)
    _check(official, shape, path)
    model = CosmosModel(config)
    model.load_state_dict(official)
    return model.eval()


def convert(path: Path, folder: Path, role: Role = "teacher", config_from: Path | None = None) -> None:
    """Write the model of a checkpoint into a folder, in the Hugging Face layout.

    config_from: a folder with the config.json, tokenizer.json and preprocessor_config.json of a network whose sizes
    or vocabulary are not those of the published ones.
    """
    config = None
    if config_from is not None:
        if "config.json" not in find_files(config_from, ("config.json",)):
            raise CosmosSearchError(f"{config_from} can't be used: it has no config.json.")
        config = read_config(config_from)
    save_model(load_checkpoint(path, role, config), folder, config_from)


def save_model(model: CosmosModel, folder: Path, config_from: Path | None = None) -> None:
    """Write config.json, model.safetensors, tokenizer.json and preprocessor_config.json into a folder.

    config_from: copy the last two from this folder. Raises MissingModelFileError if they are needed and not given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    write_object(folder / "config.json", asdict(model.config))
    if config_from is not None:
        for part in ("tokenizer.json", "preprocessor_config.json"):
            (folder / part).write_bytes(read_part(config_from, part))
    elif model.config.vocab_size == CLIP_VOCAB_SIZE:
        save_clip_tokenizer(folder / "tokenizer.json")
        Preprocess(model.config.image_size).save(folder / "preprocessor_config.json")
    else:
        n_tokens = model.config.vocab_size
        raise MissingModelFileError(f"This network has a vocabulary of its own ({n_tokens} tokens)", "tokenizer.json")


def load_model(folder: Path) -> CosmosModel:
    """A model directory's network, for inference. Raises CosmosSearchError if its files do not fit each other."""
    config = read_config(folder)
    return load_weights(lambda: CosmosModel(config), folder / "model.safetensors")


def read_config(folder: Path) -> CosmosConfig:
    """The config of a model directory. Raises CosmosSearchError for sizes that are missing or out of bounds."""
    path = folder / "config.json"
    return CosmosConfig(**cosmos_values(read_object(path), path))


def _infer_config(official: Mapping[str, Tensor], path: Path) -> CosmosConfig:
    """The sizes of a network, from the shapes in its official state dict.

    Raises MissingModelFileError if the number of heads cannot be derived from a width.
    """
    vision_width, _, patch, _ = _read_shape(official, "visual.conv1.weight", 4, path)
    n_positions, _ = _read_shape(official, "visual.positional_embedding", 2, path)
    context_length, text_width = _read_shape(official, "positional_embedding", 2, path)
    vocabulary, _ = _read_shape(official, "token_embedding.weight", 2, path)
    _, embed_dim = _read_shape(official, "visual.proj", 2, path)
    for width in (vision_width, text_width):
        if width % HEAD_WIDTH:
            reason = f"{path} contains a network of width {width}, from which the number of heads cannot be derived"
            raise MissingModelFileError(reason, "config.json")
    values = {
        "embed_dim": embed_dim,
        "image_size": round(max(0, n_positions - 1) ** 0.5) * patch,
        "patch_size": patch,
        "vision_width": vision_width,
        "vision_layers": _count_blocks(official, "visual.transformer"),
        "vision_heads": vision_width // HEAD_WIDTH,
        "text_width": text_width,
        "text_layers": _count_blocks(official, "transformer"),
        "text_heads": text_width // HEAD_WIDTH,
        "context_length": context_length,
        "vocab_size": vocabulary,
    }
    return CosmosConfig(**cosmos_values(values, path))


def _read_shape(official: Mapping[str, Tensor], name: str, n_dims: int, path: Path) -> tuple[int, ...]:
    if name not in official:
        raise _invalid_error(path, f"{name} is missing")
    shape = tuple(official[name].shape)
    if len(shape) != n_dims:
        raise _invalid_error(path, f"{name} has the shape {shape} instead of one with {n_dims} dimensions")
    return shape


def _read(path: Path, role: Role) -> dict[str, Tensor]:
    """One role's official state dict. The file is memory-mapped, so the other three copies are never read."""
    try:
        open_file(path).close()  # rejects pipes, on which torch would block
    except FileNotFoundError as error:
        raise CosmosSearchError(f"There is no file {path}.") from error
    except OSError as error:
        raise CosmosSearchError(f"{path} can't be read: {error.strerror or error}.") from error
    try:
        with torch.serialization.safe_globals(ALLOWED), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, about what is rejected below
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except UnpicklingError as error:
        raise _describe_rejection(path, error) from error
    except Exception as error:  # a damaged pickle can raise almost any exception
        raise _invalid_error(path, "it is truncated or of another format") from error
    if not isinstance(content, dict) or not isinstance(content.get(role), dict):
        raise _invalid_error(path, f"it has no {role}")
    state = content[role]
    if not all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in state.items()):
        raise _invalid_error(path, f"its {role} contains more than tensors")
    prefix = "module." if next(iter(state), "").startswith("module.") else ""  # added by a DDP wrapper
    return {name.removeprefix(prefix): tensor for name, tensor in state.items()}


def _check(official: Mapping[str, Tensor], model: CosmosModel, path: Path) -> None:
    """Compare all names, shapes and types with those of the network, before anything is loaded."""
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if missing := sorted(expected.keys() - official.keys()):
        raise _invalid_error(path, f"{len(missing)} tensors are missing, including {missing[0]}")
    if extra := sorted(official.keys() - expected.keys()):
        raise _invalid_error(path, f"{len(extra)} tensors are unknown, including {_shorten(extra[0])}")
    for name, shape in expected.items():
        tensor = official[name]
        if tuple(tensor.shape) != shape:
            raise _invalid_error(path, f"{name} has the shape {tuple(tensor.shape)} instead of {shape}")
        if not tensor.is_floating_point() or tensor.layout != torch.strided or tensor.device.type != "cpu":
            raise _invalid_error(path, f"{name} does not contain plain floating point numbers")


def _count_blocks(official: Mapping[str, Tensor], tower: str) -> int:
    pattern = re.compile(rf"{tower}\.resblocks\.([0-9]{{1,6}})\.")  # longer numbers are reported as unknown names
    return 1 + max((int(found[1]) for found in map(pattern.match, official) if found), default=-1)


def _describe_rejection(path: Path, error: Exception) -> CosmosSearchError:
    found = re.search(r"(?:GLOBAL|global) ([\w.]+)", str(error))
    reason = f"it refers to {found[1]}, which could run code" if found else "it is damaged, or could run code"
    return CosmosSearchError(
        f"{path} is not opened: {reason}. Get the file from the authors, or ask them for safetensors."
    )


def _shorten(name: str) -> str:
    text = ascii(name)[1:-1]
    return text if len(text) <= 80 else text[:79] + "…"


def _invalid_error(path: Path, reason: str) -> CosmosSearchError:
    return CosmosSearchError(f"{path} is not a COSMOS checkpoint: {reason}.")
