"""Which processor the image tower runs on, and what is said when a GPU stands idle."""

import logging
import platform
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from cosmos_search.extras import install_command
from indexer.errors import UsageError

__all__ = ["DEVICES", "PRECISIONS", "Device", "Precision", "choose_device", "choose_precision", "has_nvidia_gpu"]

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "bf16", "fp16", "int8"]
DEVICES: tuple[Device, ...] = get_args(Device)
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")

log = logging.getLogger(__name__)


def choose_device(wanted: str) -> str:
    """ "cpu", "cuda" or "mps". "auto" takes a GPU that works, and says why one that is there does not.

    torch is imported only where there is a sign of a GPU. Raises UsageError for one that can't be had.
    """
    if wanted not in DEVICES:
        raise UsageError(f"There is no device {wanted!r}; choose from: {', '.join(DEVICES)}")
    if wanted == "cpu":
        return "cpu"
    candidates = {"cuda": has_nvidia_gpu(), "mps": platform.system() == "Darwin" and platform.machine() == "arm64"}
    if wanted != "auto":
        reason = _why_not(wanted) if candidates[wanted] else "there is none in this machine"
        if reason is not None:
            raise UsageError(f"The device {wanted} can't be used: {reason}. Without it: --device cpu")
        return wanted
    for device in (name for name, is_there in candidates.items() if is_there):
        reason = _why_not(device)
        if reason is None:
            return device
        log.warning("There is a GPU (%s), and it is not used: %s.", device, reason)
    return "cpu"


def choose_precision(wanted: str, device: str) -> str:
    """ "auto" leaves int8 or fp32 to a check on a CPU, and takes half precision on a GPU. Raises UsageError."""
    if wanted not in PRECISIONS:
        raise UsageError(f"There is no precision {wanted!r}; choose from: {', '.join(PRECISIONS)}")
    if device != "cpu" and wanted == "int8":
        raise UsageError("int8 runs on a CPU alone: --device cpu, or --precision fp16")
    if device == "cpu" and wanted == "fp16":
        raise UsageError("fp16 runs on a GPU alone; on a CPU: --precision int8, bf16 or fp32")
    return "fp16" if wanted == "auto" and device != "cpu" else wanted


def has_nvidia_gpu(driver: Path = NVIDIA_DRIVER) -> bool:
    """Whether the machine has an NVIDIA GPU with its driver; asked of the system, without torch."""
    return driver.exists() or Path("/dev/nvidia0").exists()


def _why_not(device: str) -> str | None:
    """What keeps torch from using this device; None if nothing does."""
    if find_spec("torch") is None:
        return f"it needs PyTorch ({install_command('models')})"
    import torch

    if device == "mps":
        return None if torch.backends.mps.is_available() else "this PyTorch is a build without Metal"
    if torch.version.cuda is None:
        return "this PyTorch is a build without CUDA; install one that has it (pytorch.org, Get Started)"
    return None if torch.cuda.is_available() else "PyTorch does not reach it; is its driver recent enough?"
