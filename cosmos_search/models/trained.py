"""Trained weights of the built-in encoder: the packaged file, and files that training runs export."""

from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from cosmos_search.model_config import MINI_DIM, MINI_POOLED
from indexer.errors import CosmosSearchError

__all__ = ["CALIBRATION", "CALIBRATION_PARTS", "PACKAGED", "TRAINED_FILE", "find_trained", "read_trained"]

TRAINED_FILE = "cosmos-mini.safetensors"  # in the folder that a training run exports, and in this package's data
CALIBRATION = "calibration.json"  # beside the weights, optional
CALIBRATION_PARTS = (CALIBRATION, "calibration.safetensors")  # the curve, and its background if it has one
PACKAGED = Path(str(files("cosmos_search") / "data")) / TRAINED_FILE


def find_trained(path: Path) -> Path | None:
    """The file of trained weights that a path names, or that lies in the folder; None if there is none."""
    file = path / TRAINED_FILE if path.is_dir() else path
    return file if file.is_file() and file.suffix == ".safetensors" else None


def read_trained(file: Path) -> dict[str, NDArray[np.float32]]:
    """The trained weights in a safetensors file: tensors of the backbone by its names, head.weight and head.bias.

    Raises CosmosSearchError if the file is damaged.
    """
    try:
        tensors = {name: tensor.astype(np.float32) for name, tensor in load_file(file).items()}
    except (OSError, SafetensorError, ValueError) as error:
        raise CosmosSearchError(f"{file} can't be read ({error}).") from error
    shapes = {"head.weight": (MINI_DIM, MINI_POOLED), "head.bias": (MINI_DIM,)}
    if any(name not in tensors or tensors[name].shape != shape for name, shape in shapes.items()):
        raise CosmosSearchError(f"{file} has no trained head for the built-in encoder.")
    if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
        raise CosmosSearchError(f"{file} can't be used: it has weights that are not finite.")
    return tensors
