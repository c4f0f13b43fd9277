"""Rate and peak memory of work on a device."""

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.timing import measure_seconds

__all__ = ["format_peak", "measure_rate", "reset_peak", "synchronize"]

N_ROUNDS = 3


def measure_rate(call: Callable[[], Any], n: int, device: str) -> float:
    """Items a second of a call that handles n of them: the best of three rounds after one to warm up."""

    def run() -> None:
        call()
        synchronize(device)

    run()
    return n / min(measure_seconds(run) for _ in range(N_ROUNDS))


def reset_peak(device: str) -> None:
    """Reset the peak memory of the device."""
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def format_peak(device: str) -> str:
    """The peak memory of the device since `reset_peak`, for the table."""
    return f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB" if device == "cuda" else "no device memory"


def synchronize(device: str) -> None:
    """Wait until the device has finished all queued work."""
    if device == "cuda":
        torch.cuda.synchronize()
