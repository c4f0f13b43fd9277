"""Wall time of calls and of new processes."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from time import perf_counter

__all__ = ["measure_python_process", "measure_seconds"]


def measure_seconds(call: Callable[[], object]) -> float:
    """The wall time of one call."""
    started = perf_counter()
    call()
    return perf_counter() - started


def measure_python_process(code: str, *arguments: str, variables: Mapping[str, str] | None = None) -> float:
    """The wall time, in seconds, of a new Python process that runs the code, from its start to its exit.

    variables: set in the process's environment, beside those of this one. Python keeps the modules that it compiles, as
    it does for users, also where this process was told not to.
    """
    environment = {**os.environ, **(variables or {})}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", code, *arguments]
    return measure_seconds(lambda: subprocess.run(command, check=True, capture_output=True, env=environment))
