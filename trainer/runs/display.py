"""The progress of a run on stderr: a bar on a terminal, otherwise a line for each step that is logged."""

import sys
import time
from collections.abc import Mapping
from typing import Self

from tqdm import tqdm

__all__ = ["ProgressDisplay"]


class ProgressDisplay:
    """Shows the steps of a run; use it in a `with` block. A log file gets lines only, never the characters of a bar."""

    def __init__(self, total: int, n_done: int, *, is_hidden: bool) -> None:
        self.total, self.n_done = total, n_done
        self._started = time.perf_counter()
        self._has_lines = not is_hidden and not sys.stderr.isatty()
        self._bar: tqdm[None] = tqdm(
            total=total, initial=n_done, disable=is_hidden or self._has_lines, unit="step", dynamic_ncols=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()

    def update(self, n_steps: int, values: Mapping[str, str], *, is_logged: bool) -> None:
        """n_steps: those taken so far. is_logged: whether this step has a line where there is no terminal."""
        self._bar.set_postfix(values, refresh=False)
        self._bar.update()
        if self._has_lines and is_logged:
            seconds = (time.perf_counter() - self._started) / (n_steps - self.n_done) * (self.total - n_steps)
            shown = ", ".join(f"{name} {value}" for name, value in values.items())
            left = tqdm.format_interval(seconds)
            sys.stderr.write(f"step {n_steps} of {self.total}: {shown}, {left} left\n")
            sys.stderr.flush()
