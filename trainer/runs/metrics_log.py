"""What a run says of itself: metrics.jsonl always, TensorBoard's files where it is installed, a bar at a terminal."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from indexer.files import append_file, read_file, replace_file
from trainer.data.samples import SkippedSample

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter

__all__ = ["MetricsLog", "open_metrics_log"]

METRICS = "metrics.jsonl"


class MetricsLog:
    """One process's. Lines go to the disk as they come; a run that goes on first drops what it will do again."""

    def __init__(self, run: Path, rank: int, step: int, board: "SummaryWriter | None") -> None:
        self.run, self.rank = run, rank
        self._board = board
        if rank == 0:
            _cut(run / METRICS, step)
        _cut(run / f"refused-{rank}.jsonl", step)

    def measure(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of one step; rank 0 alone keeps them."""
        if self.rank:
            return
        _append(self.run / METRICS, [{"step": step, **values}])
        if self._board is not None:
            for name, value in values.items():
                self._board.add_scalar(name, value, step)

    def refuse(self, step: int, refused: Sequence[SkippedSample]) -> None:
        """Samples that were of no use on the way to a step, into refused-RANK.jsonl."""
        lines = [{"step": step, "key": one.key, "reason": one.reason} for one in refused]
        if lines:
            _append(self.run / f"refused-{self.rank}.jsonl", lines)

    def show(self, step: int, name: str, picture: Tensor) -> None:
        """A picture for TensorBoard: (3, height, width), 0..1."""
        if self._board is not None and not self.rank:
            self._board.add_image(name, picture, step)

    @property
    def shows_pictures(self) -> bool:
        """Whether anybody would see them."""
        return self._board is not None and not self.rank

    def close(self) -> None:
        """Write what TensorBoard still holds."""
        if self._board is not None:
            self._board.close()


def open_metrics_log(run: Path, rank: int, step: int) -> MetricsLog:
    """To go on at a step; 0 begins anew."""
    board = None
    if rank == 0 and find_spec("tensorboard") is not None:
        from torch.utils.tensorboard.writer import SummaryWriter  # seconds, and an extra

        board = SummaryWriter(str(run / "tensorboard"), purge_step=step)
    return MetricsLog(run, rank, step, board)


def _append(path: Path, lines: Sequence[Mapping[str, object]]) -> None:
    append_file(path, "".join(json.dumps(line) + "\n" for line in lines).encode())


def _cut(path: Path, step: int) -> None:
    """Keep what was noted before a step; a line that was cut short goes too."""
    if not path.exists():
        path.unlink(missing_ok=True)  # a link to nothing
        return
    kept = []
    for line in read_file(path).decode("utf-8", "replace").splitlines():
        with suppress(ValueError):
            if json.loads(line)["step"] < step:
                kept.append(line + "\n")
    replace_file(path, lambda file: file.write("".join(kept).encode()))
