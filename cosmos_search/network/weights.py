"""Load weights from safetensors; the header is compared with the network before anything is allocated."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from cosmos_search.network.tensor_names import rename_as_in_file
from indexer.errors import CosmosSearchError

__all__ = ["check_header", "check_memory", "load_weights"]

DTYPES = ("F64", "F32", "F16", "BF16")
UNUSED = "position_ids"  # buffers in older files of CLIP
BYTES = 4  # of a parameter in memory, whatever its type in the file

Network = TypeVar("Network", bound=nn.Module)


def load_weights(make: Callable[[], Network], file: Path) -> Network:
    """The network that `make` builds, with the weights of a file, for inference.

    Raises CosmosSearchError unless the file contains exactly its tensors, as finite floating point numbers.
    """
    check_header(make, file)
    try:
        network = make()
        with safe_open(file, framework="pt") as weights, torch.no_grad():
            for name, tensor in rename_as_in_file(network.state_dict(), weights.keys()).items():
                tensor.copy_(weights.get_tensor(name))
                if not bool(torch.isfinite(tensor).all()):
                    raise CosmosSearchError(f"{file} can't be used: {name} has values that are not finite numbers.")
    except (OSError, SafetensorError, RuntimeError, MemoryError, ValueError) as error:
        raise CosmosSearchError(f"The weights in {file} can't be loaded ({_first_line(error)}).") from error
    return network.eval()


def check_header(make: Callable[[], nn.Module], file: Path) -> None:
    """Raise CosmosSearchError if the tensors in a safetensors file are not those of the network that `make` builds.

    Reads only the header, and builds the network without allocating its weights.
    """
    with torch.device("meta"):
        network = make()
    check_memory(network, file)
    if not file.is_file():
        raise CosmosSearchError(f"{file} is missing, or not a file.")
    try:
        with safe_open(file, framework="pt") as weights:
            slices = {name: weights.get_slice(name) for name in weights.keys()}  # noqa: SIM118  not a mapping
            found = {name: (tuple(part.get_shape()), str(part.get_dtype())) for name, part in slices.items()}
    except (OSError, SafetensorError, ValueError) as error:
        raise CosmosSearchError(f"{file} is damaged, or not a safetensors file ({_first_line(error)}).") from error
    stored = rename_as_in_file(network.state_dict(), found)
    if problem := _difference(stored, found):
        raise CosmosSearchError(f"The weights in {file} do not fit its config.json: {problem}.")


def check_memory(network: nn.Module, source: Path | str) -> None:
    """Raise CosmosSearchError if a network (on the meta device) needs more memory than this machine has."""
    needed = BYTES * sum(parameter.numel() for parameter in network.parameters())
    if needed > (available := _memory_bytes()):
        raise CosmosSearchError(
            f"The network of {source} needs {needed / 2**30:,.1f} GiB of memory, but this machine has "
            f"{available / 2**30:,.1f}."
        )


def _difference(expected: Mapping[str, Tensor], found: Mapping[str, tuple[tuple[int, ...], str]]) -> str:
    """A description of the first difference; "" if there is none."""
    if missing := sorted(expected.keys() - found.keys()):
        return f"{len(missing)} tensors are missing, including {missing[0]}"
    if extra := sorted(name for name in found.keys() - expected.keys() if not name.endswith(UNUSED)):
        return f"{len(extra)} tensors are unknown, including {extra[0][:80]!r}"
    for name, tensor in expected.items():
        found_shape, dtype = found[name]
        if found_shape != tuple(tensor.shape):
            return f"{name} has the shape {found_shape} instead of {tuple(tensor.shape)}"
        if tensor.is_floating_point() and dtype not in DTYPES:
            return f"{name} is of type {dtype}, which is not a floating point type of 16 bits or more"
    return ""


def _memory_bytes() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # not available on every system
        return float("inf")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
