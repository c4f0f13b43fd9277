"""Checkpoints: all that a run needs to go on exactly, as safetensors and JSON, written beside and renamed.

A checkpoint is a folder, checkpoints/step-00001000, of student.safetensors, teacher.safetensors,
optimizer.safetensors and state.json. There is no state of a random generator:
chance in training is a function of seed, epoch and key.
"""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from cosmos_search.model import CosmosModel
from indexer.errors import CosmosSearchError
from trainer.step import Learner

__all__ = ["Progress", "best_checkpoint", "checkpoints", "load_state", "load_student_and_teacher", "save_state"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. n_read: for each rank, how many pairs each worker has read. score: higher is better."""

    step: int = 0  # the next one
    n_read: tuple[tuple[int, ...], ...] = ()
    n_refused: int = 0
    score: float | None = None
    scaler: tuple[tuple[str, float], ...] = ()  # the GradScaler's state


def save_state(run: Path, learner: Learner, progress: Progress, keep_last: int) -> Path:
    """Write a checkpoint of a run, and drop the old ones but the last few and the best.

    Raises CosmosSearchError if it can't be written; what was there stays.
    """
    folder = run / "checkpoints" / f"step-{progress.step:08}"
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _write(partial, learner, progress)
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
        _sync(folder.parent)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise CosmosSearchError(
            f"The checkpoint {folder} could not be written ({error}); earlier ones are as they were."
        ) from error
    _drop_old(run, keep_last)
    return folder


def load_state(folder: Path, learner: Learner) -> Progress:
    """Put a checkpoint into the learner. Raises CosmosSearchError if it is damaged or of another network."""
    try:
        content: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        learner.student.load_state_dict(load_file(folder / "student.safetensors"))
        learner.teacher.load_state_dict(load_file(folder / "teacher.safetensors"))
        _load_moments(learner, load_file(folder / "optimizer.safetensors"))
        content["n_read"] = tuple(tuple(workers) for workers in content["n_read"])
        content["scaler"] = tuple((name, value) for name, value in content["scaler"])
        progress = Progress(**content)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        raise CosmosSearchError(f"{folder} is no checkpoint of this network: {error}.") from error
    if progress.scaler and learner.scaler.is_enabled():
        learner.scaler.load_state_dict(dict(progress.scaler))
    return progress


def load_student_and_teacher(folder: Path, student: CosmosModel, teacher: CosmosModel) -> None:
    """Only the networks of a checkpoint, for evaluation or export. Raises CosmosSearchError if they don't fit it."""
    try:
        for model, name in ((student, "student"), (teacher, "teacher")):
            model.load_state_dict(load_file(folder / f"{name}.safetensors"))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise CosmosSearchError(f"{folder} is no checkpoint of this network: {error}.") from error


def checkpoints(run: Path) -> list[Path]:
    """Whole checkpoints, the oldest first."""
    return sorted((run / "checkpoints").glob("step-*"))


def best_checkpoint(run: Path) -> Path | None:
    """The one with the highest score; of equal ones the latest."""
    return max(checkpoints(run), key=lambda folder: (_score(folder), folder.name), default=None)


def _write(folder: Path, learner: Learner, progress: Progress) -> None:
    for name, tensors in (
        ("student", learner.student.state_dict()),
        ("teacher", learner.teacher.state_dict()),
        ("optimizer", _moments(learner)),
    ):
        kept = {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}
        save_file(kept, folder / f"{name}.safetensors", metadata={"format": "pt"})
    (folder / "state.json").write_text(json.dumps(asdict(progress), indent=2) + "\n", encoding="utf-8")
    for path in [*folder.iterdir(), folder]:
        _sync(path)


def _moments(learner: Learner) -> dict[str, Tensor]:
    """AdamW's state by our names: NAME/exp_avg, NAME/exp_avg_sq and NAME/step."""
    state = learner.optimizer.state
    named = learner.student.named_parameters()
    return {f"{name}/{kind}": tensor for name, p in named for kind, tensor in state.get(p, {}).items()}


def _load_moments(learner: Learner, moments: dict[str, Tensor]) -> None:
    by_name: dict[str, dict[str, Tensor]] = {}
    for key, tensor in moments.items():
        name, kind = key.rsplit("/", 1)
        by_name.setdefault(name, {})[kind] = tensor
    for name, p in learner.student.named_parameters():
        if name in by_name:
            state = by_name[name]
            learner.optimizer.state[p] = {kind: x if kind == "step" else x.to(p.device) for kind, x in state.items()}


def _drop_old(run: Path, keep_last: int) -> None:
    found, best = checkpoints(run), best_checkpoint(run)
    for folder in found[:-keep_last]:
        if folder != best:
            shutil.rmtree(folder, ignore_errors=True)


def _score(folder: Path) -> float:
    try:
        return float(json.loads((folder / "state.json").read_text(encoding="utf-8"))["score"])
    except (OSError, ValueError, KeyError, TypeError):
        return float("-inf")


def _sync(path: Path) -> None:
    """To the disk, before anything relies on it."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
