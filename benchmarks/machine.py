"""The machine and the package versions that a measurement ran with."""

import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from indexer.cores import available_cores

__all__ = ["describe_machine", "describe_packages"]


def describe_machine(*packages: str) -> str:
    """One line: processor, cores, memory, Python, and the versions of these packages."""
    cpu = _find(r"model name\s*: (.*)", Path("/proc/cpuinfo"))
    memory_kib = _find(r"MemTotal: *(\d+)", Path("/proc/meminfo"))
    parts = [cpu or platform.machine(), f"{available_cores()} cores"]
    parts += [f"{int(memory_kib) / 2**20:.0f} GiB"] if memory_kib else []
    return ", ".join([*parts, *describe_packages(*packages)])


def describe_packages(*packages: str) -> list[str]:
    """The versions of Python and of those packages that are installed."""
    found = [f"Python {platform.python_version()}"]
    for name in packages:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found


def _find(pattern: str, file: Path) -> str | None:
    """The first group of the first match; None on systems without this file."""
    match = re.search(pattern, file.read_text(encoding="utf-8")) if file.exists() else None
    return match[1] if match else None
