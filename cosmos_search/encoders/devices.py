"""The device and the precision of the image tower, and the reason why a GPU is not used."""

import logging
import platform
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from cosmos_search.extras import IN_CLONE, install_command
from indexer.errors import UsageError

__all__ = [
    "DEVICES",
    "PRECISIONS",
    "Device",
    "DeviceError",
    "FixedPrecisionError",
    "Precision",
    "PrecisionError",
    "choose_device",
    "choose_precision",
    "find_obstacle",
    "has_nvidia_gpu",
]

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "bf16", "fp16", "int8"]
DEVICES: tuple[Device, ...] = get_args(Device)
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")

log = logging.getLogger(__name__)


@dataclass(eq=False)
class DeviceError(UsageError):
    """A device that cannot be used here."""

    device: str
    reason: str

    def __str__(self) -> str:
        return f"The device {self.device} can't be used: {self.reason}."


@dataclass(eq=False)
class PrecisionError(UsageError):
    """A precision that the device does not support."""

    precision: str
    device: str

    def __str__(self) -> str:
        return f"{self.precision} runs only on a {'GPU' if self.device == 'cpu' else 'CPU'}."


@dataclass(eq=False)
class FixedPrecisionError(UsageError):
    """A precision other than those that the model supports."""

    model: str
    precision: str

    def __str__(self) -> str:
        return f"{self.model} runs only in int8 and fp32, not in {self.precision}."


def choose_device(wanted: Device) -> Device:
    """ "cpu", "cuda" or "mps". "auto" chooses a GPU that works, and logs why an existing one does not.

    torch is imported only where there is a sign of a GPU. Raises UsageError for an unknown device, DeviceError for one
    that cannot be used.
    """
    if wanted not in DEVICES:
        raise UsageError(f"There is no device {wanted!r}; choose from: {', '.join(DEVICES)}")
    if wanted == "cpu":
        return "cpu"
    candidates: dict[Device, bool] = {
        "cuda": has_nvidia_gpu(),
        "mps": platform.system() == "Darwin" and platform.machine() == "arm64",
    }
    if wanted != "auto":
        reason = find_obstacle(wanted) if candidates[wanted] else "there is none in this machine"
        if reason is not None:
            raise DeviceError(wanted, reason)
        return wanted
    for device in (name for name, is_there in candidates.items() if is_there):
        reason = find_obstacle(device)
        if reason is None:
            return device
        log.warning("There is a GPU (%s), but it is not used: %s.", device, reason)
    return "cpu"


def choose_precision(wanted: Precision, device: Device) -> Precision:
    """The precision to run in; "auto" on a CPU leaves the choice of int8 or fp32 to `encoders.precision_check`.

    On a GPU "auto" is fp16. Raises UsageError for an unknown precision, PrecisionError for one that the device lacks.
    """
    if wanted not in PRECISIONS:
        raise UsageError(f"There is no precision {wanted!r}; choose from: {', '.join(PRECISIONS)}")
    if (device != "cpu" and wanted == "int8") or (device == "cpu" and wanted == "fp16"):
        raise PrecisionError(wanted, device)
    return "fp16" if wanted == "auto" and device != "cpu" else wanted


def has_nvidia_gpu(driver: Path = NVIDIA_DRIVER) -> bool:
    """True if the machine has an NVIDIA GPU with its driver, by the operating system's files; without torch."""
    return driver.exists() or Path("/dev/nvidia0").exists()


def find_obstacle(device: Device) -> str | None:
    """Why torch cannot use this device; None if it can."""
    if find_spec("torch") is None:
        return f"it needs PyTorch ({IN_CLONE}: {install_command('models')})"
    import torch

    if device == "mps":
        return None if torch.backends.mps.is_available() else "this PyTorch is a build without Metal"
    if torch.version.cuda is None:
        return "this PyTorch is a build without CUDA; install one that has it (pytorch.org, Get Started)"
    return None if torch.cuda.is_available() else "PyTorch does not reach it; is its driver recent enough?"
