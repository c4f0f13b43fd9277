"""Weights from safetensors: the header is compared with the network before anything is allocated."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from cosmos_search.network.other_names import under_names_in_file
from indexer.errors import CosmosSearchError

__all__ = ["check_header", "check_memory", "load_weights"]

DTYPES = ("F64", "F32", "F16", "BF16")
UNUSED = "position_ids"  # buffers that older files of CLIP hold
BYTES = 4  # of a parameter in memory, whatever the file holds

Network = TypeVar("Network", bound=nn.Module)


def load_weights(make: Callable[[], Network], file: Path) -> Network:
    """What `make` builds, with the weights of a file, for inference.

    Raises CosmosSearchError if the file doesn't hold exactly its tensors, as finite floating point numbers.
    """
    check_header(make, file)
    try:
        network = make()
        with safe_open(file, framework="pt") as weights, torch.no_grad():
            for name, tensor in under_names_in_file(network.state_dict(), weights.keys()).items():
                tensor.copy_(weights.get_tensor(name))
                if not bool(torch.isfinite(tensor).all()):
                    raise CosmosSearchError(f"{file} can't be used: {name} has values that are no finite numbers.")
    except (OSError, SafetensorError, RuntimeError, MemoryError, ValueError) as error:
        raise CosmosSearchError(f"The weights in {file} can't be loaded ({_first_line(error)}).") from error
    return network.eval()


def check_header(make: Callable[[], nn.Module], file: Path) -> None:
    """Raise CosmosSearchError if a safetensors file holds other tensors than the network that `make` builds.

    Reads no weights, and builds the network without memory for them.
    """
    with torch.device("meta"):
        network = make()
    check_memory(network, file)
    if not file.is_file():
        raise CosmosSearchError(f"{file} is missing, or no file.")
    try:
        with safe_open(file, framework="pt") as weights:
            slices = {name: weights.get_slice(name) for name in weights.keys()}  # noqa: SIM118  no mapping
            found = {name: (tuple(part.get_shape()), str(part.get_dtype())) for name, part in slices.items()}
    except (OSError, SafetensorError, ValueError) as error:
        raise CosmosSearchError(f"{file} is damaged, or no safetensors ({_first_line(error)}).") from error
    stored = under_names_in_file(network.state_dict(), found)
    expected = {name: tuple(tensor.shape) for name, tensor in stored.items()}
    if problem := _difference(expected, found):
        raise CosmosSearchError(f"The weights in {file} do not fit its config.json: {problem}.")


def check_memory(network: nn.Module, source: Path | str) -> None:
    """Raise CosmosSearchError if a network (on the meta device) is larger than the memory of this machine."""
    needed = BYTES * sum(parameter.numel() for parameter in network.parameters())
    if needed > (there := _memory_bytes()):
        raise CosmosSearchError(
            f"The network of {source} needs {needed / 2**30:,.1f} GiB of memory, and there are {there / 2**30:,.1f}."
        )


def _difference(expected: dict[str, tuple[int, ...]], found: dict[str, tuple[tuple[int, ...], str]]) -> str:
    """The first one, in words; "" if there is none."""
    if missing := sorted(expected.keys() - found.keys()):
        return f"{len(missing)} tensors are missing, {missing[0]} among them"
    if extra := sorted(name for name in found.keys() - expected.keys() if not name.endswith(UNUSED)):
        return f"{len(extra)} tensors are unknown, {extra[0][:80]!r} among them"
    for name, shape in expected.items():
        its_shape, dtype = found[name]
        if its_shape != shape:
            return f"{name} has the shape {its_shape} and not {shape}"
        if dtype not in DTYPES:
            return f"{name} is of type {dtype}, which is no floating point number of 16 bits or more"
    return ""


def _memory_bytes() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # not told on every system
        return float("inf")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
