"""The number of CPU cores that this process may use."""

import os
from pathlib import Path

__all__ = ["available_cores"]

CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")  # "quota period", or "max period" (cgroup v2)


def available_cores(cgroup_limit: Path = CGROUP_LIMIT) -> int:
    """The number of cores within the CPU affinity and the container's quota of this process, at least 1."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = cgroup_limit.read_text().split()
        n_cores = min(n_cores, -(-int(quota) // int(period)))
    except (OSError, ValueError):  # the file is missing, or there is no limit
        pass
    return max(1, n_cores)
