"""Metrics logging to JSONL and, where it is installed, TensorBoard."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from trainer.data.samples import SkippedSample
from trainer.runs.folder import RunFolder

__all__ = ["MetricsLog"]


class MetricsLog:
    """The log of one process, written line by line. At the start, lines of `step` and of later steps are removed."""

    def __init__(self, run: RunFolder, rank: int, step: int) -> None:
        self.run, self.rank = run, rank
        run.truncate_logs(rank, step)
        self._board = run.open_tensorboard(step) if rank == 0 else None

    @property
    def logs_images(self) -> bool:
        """True if images are logged (rank 0 with TensorBoard)."""
        return self._board is not None

    def log_metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of one step; ranks other than 0 log none."""
        if self.rank:
            return
        self.run.append_metrics(step, values)
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def log_skipped(self, step: int, samples: Sequence[SkippedSample]) -> None:
        """Samples that were skipped on the way to a step, with reasons."""
        self.run.append_skipped(self.rank, step, samples)

    def log_image(self, step: int, name: str, image: Tensor) -> None:
        """An image for TensorBoard: (3, height, width), 0..1."""
        if self._board is not None:
            self._board.add_image(name, image, step)

    def close(self) -> None:
        """Write what TensorBoard still buffers."""
        if self._board is not None:
            self._board.close()
