"""Time, memory and nearness of results on a device."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["centred_cosine", "peak_gib", "rate", "reset_peak", "synchronize"]

N_ROUNDS = 3


def rate(call: Callable[[], Any], n: int, device: str) -> float:
    """Items a second, where one call handles n of them: the best of three rounds after one to warm up."""
    call()
    seconds = []
    for _ in range(N_ROUNDS):
        synchronize(device)
        started = perf_counter()
        call()
        synchronize(device)
        seconds.append(perf_counter() - started)
    return n / min(seconds)


def centred_cosine(exact: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """The mean cosine of rows less their mean: random networks give all pictures nearly the same vector."""
    a, b = (rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64) for rows in (exact, other))
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.mean((a * b).sum(axis=1) / np.maximum(norms, 1e-12)))


def reset_peak(device: str) -> None:
    """Begin to measure the device's peak memory anew."""
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_gib(device: str) -> str:
    """The device's peak memory since `reset_peak`, for the table."""
    return f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB" if device == "cuda" else "no device memory"


def synchronize(device: str) -> None:
    """Wait until the device has done all that it was given."""
    if device == "cuda":
        torch.cuda.synchronize()
