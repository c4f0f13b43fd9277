"""What the measurements ran on, and how the tables are printed."""

import platform
import re
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from indexer.cores import available_cores

__all__ = ["describe", "print_table"]


def describe(*packages: str) -> str:
    """One line: processor, cores, memory, Python and the versions of the packages that matter."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal: *(\d+)", Path("/proc/meminfo").read_text())
    parts = [cpu[1] if cpu else platform.machine(), f"{available_cores()} cores"]
    parts += [f"{int(memory[1]) / 2**20:.0f} GiB"] if memory else []
    parts += [f"Python {platform.python_version()}"] + [f"{name} {version(name)}" for name in packages]
    return ", ".join(parts)


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A markdown table."""
    print("| " + " | ".join(header) + " |")
    print("|" + "|".join(" --- " for _ in header) + "|")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
