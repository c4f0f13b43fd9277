"""The records that a run stores as JSON: the place of its data, and in each checkpoint the progress of the run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from indexer.errors import CosmosSearchError
from trainer.config import TrainConfig
from trainer.data.batches import StreamPosition
from trainer.runs.errors import OrderChangedError

__all__ = ["Metric", "Progress", "Score", "Sources", "check_resumable", "describe_order"]

Metric = Literal["R@1", "L_CLIP"]  # of held-out pairs; or the mean loss since the previous checkpoint, negated


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a run's pairs are: those to train with, and those to choose the best checkpoint by (or none).

    inventory: of the data at the start, as `Source.inventory` gives it; a run is resumed with the same data only.
    """

    data: str
    val: str | None = None
    inventory: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Score:
    """The quality of a checkpoint, higher is better; only scores of the same metric can be compared."""

    value: float
    metric: Metric


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of a run that is not in tensors. Random generators have no stored state: see `trainer.data.batches`."""

    step: int = 0  # the next one
    positions: tuple[tuple[StreamPosition, ...], ...] = ()  # in the data: for each rank, of each of its workers
    order: str = ""  # see describe_order; the positions are valid in this order alone
    n_skipped: tuple[int, ...] = ()  # samples, by rank
    score: Score | None = None
    scaler: tuple[tuple[str, float], ...] = ()  # the GradScaler's state

    def to_dict(self) -> dict[str, Any]:
        """For JSON, with the keys of all earlier checkpoints."""
        return {
            "step": self.step,
            "places": self.positions,
            "order": self.order,
            "n_refused": self.n_skipped,
            "score": self.score.value if self.score else None,
            "scored_by": self.score.metric if self.score else None,
            "scaler": self.scaler,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Progress":
        """The inverse of to_dict. Raises KeyError, TypeError or ValueError for content of another form."""
        metric = content["scored_by"]
        return cls(
            step=content["step"],
            positions=tuple(tuple(StreamPosition(*position) for position in workers) for workers in content["places"]),
            order=content["order"],
            n_skipped=tuple(content["n_refused"]),
            score=Score(float(content["score"]), metric) if metric is not None else None,
            scaler=tuple((name, value) for name, value in content["scaler"]),
        )


def describe_order(config: TrainConfig) -> str:
    """The settings that determine the order of the samples, in words."""
    return f"seed {config.seed}, batch {config.batch}, sample_shuffle {config.sample_shuffle}"


def check_resumable(progress: Progress, config: TrainConfig, config_file: Path, n_processes: int) -> None:
    """Raise CosmosSearchError where the positions in the data would refer to other samples than before."""
    n_before, n_workers = len(progress.positions), max(1, config.workers)
    if n_before != n_processes:
        raise CosmosSearchError(
            f"{config_file.parent} was trained by {n_before} processes; now there are {n_processes}."
        )
    if len(progress.positions[0]) != n_workers:
        raise OrderChangedError(config_file, f"{len(progress.positions[0])} workers", str(n_workers))
    if progress.order != (order := describe_order(config)):
        raise OrderChangedError(config_file, progress.order, order)
