"""Checkpoints: all that a run needs to go on exactly, as safetensors and JSON, written beside and renamed.

A checkpoint is a folder, checkpoints/step-00001000, of student.safetensors, teacher.safetensors,
optimizer.safetensors and state.json. There is no state of a random generator:
chance in training is a function of seed, epoch and key.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.network.other_names import under_names_in_file
from indexer.errors import CosmosSearchError
from indexer.files import open_file, read_file, replace_file
from trainer.data.batches import StreamPosition
from trainer.method.step import TrainState

__all__ = [
    "Progress",
    "best_checkpoint",
    "checkpoint_folder",
    "checkpoints",
    "drop_old",
    "load_state",
    "load_student_and_teacher",
    "save_score",
    "save_state",
]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. places: for each rank, where each worker stands in the data. score: higher is better.

    order: what the order of the data follows from; with another one the places would mean other samples.
    """

    step: int = 0  # the next one
    places: tuple[tuple[StreamPosition, ...], ...] = ()
    order: str = ""
    n_refused: tuple[int, ...] = ()  # samples, by rank
    score: float | None = None
    scored_by: str | None = None  # scores of two kinds can't be compared
    scaler: tuple[tuple[str, float], ...] = ()  # the GradScaler's state


def save_state(run: Path, learner: TrainState, progress: Progress) -> Path:
    """Write a checkpoint of a run.

    Raises CosmosSearchError if it can't be written; what was there stays.
    """
    folder = checkpoint_folder(run, progress.step)
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _write(partial, learner, progress)
        _remove(folder)
        partial.rename(folder)
        _sync(folder.parent)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise CosmosSearchError(
            f"The checkpoint {folder} could not be written ({error}); earlier ones are as they were."
        ) from error
    return folder


def load_state(folder: Path, learner: TrainState) -> Progress:
    """Put a checkpoint into the learner. Raises CosmosSearchError if it is damaged or of another network."""
    try:
        content: dict[str, Any] = json.loads(read_file(folder / "state.json"))
        load_student_and_teacher(folder, learner.student, learner.teacher)
        _load_moments(learner, _tensors(folder / "optimizer.safetensors"), folder)
        content["places"] = tuple(
            tuple(StreamPosition(epoch, n) for epoch, n in workers) for workers in content["places"]
        )
        content["n_refused"] = tuple(content["n_refused"])
        content["scaler"] = tuple((name, value) for name, value in content["scaler"])
        progress = Progress(**content)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, RecursionError, SafetensorError) as error:
        raise CosmosSearchError(f"{folder} is damaged ({error}); remove it to go on from the one before.") from error
    if progress.scaler and learner.scaler.is_enabled():
        learner.scaler.load_state_dict(dict(progress.scaler))
    return progress


def load_student_and_teacher(folder: Path, student: CosmosModel, teacher: CosmosModel) -> None:
    """Only the networks of a checkpoint, for evaluation or export. Raises CosmosSearchError if they don't fit it."""
    try:
        for model, name in ((student, "student"), (teacher, "teacher")):
            tensors = _tensors(folder / f"{name}.safetensors")
            stored = under_names_in_file(model.state_dict(), tensors)
            if difference := _difference(tensors, stored):
                raise CosmosSearchError(f"{folder} is of another network than config.json says: {difference}.")
            for key, tensor in stored.items():
                tensor.copy_(tensors[key])
    except (OSError, SafetensorError) as error:
        raise CosmosSearchError(f"{folder} is damaged ({error}); remove it to go on from the one before.") from error


def save_score(folder: Path, score: float, scored_by: str) -> None:
    """Add a score to a checkpoint. Raises CosmosSearchError."""
    path = folder / "state.json"
    try:
        content = json.loads(read_file(path)) | {"score": score, "scored_by": scored_by}
        replace_file(path, lambda file: file.write((json.dumps(content, indent=2) + "\n").encode()))
    except OSError as error:
        raise CosmosSearchError(f"The score of {folder} could not be written ({error}).") from error


def drop_old(run: Path, keep_last: int) -> None:
    """Remove all checkpoints but the last few and the best."""
    found, best = checkpoints(run), best_checkpoint(run)
    for folder in found[:-keep_last]:
        if folder != best:
            _remove(folder)


def checkpoint_folder(run: Path, step: int) -> Path:
    """Where the checkpoint before that step lies, or would."""
    return run / "checkpoints" / f"step-{step:08}"


def checkpoints(run: Path) -> list[Path]:
    """Whole checkpoints, the oldest first."""
    return sorted((run / "checkpoints").glob("step-*"))


def best_checkpoint(run: Path) -> Path | None:
    """The one with the highest score, of the kind that was used last; of equal ones the latest."""
    scores = {folder: _score(folder) for folder in checkpoints(run)}
    kinds = [kind for kind, _ in scores.values() if kind is not None]

    def key(folder: Path) -> tuple[float, str]:
        kind, score = scores[folder]
        return (score if kinds and kind == kinds[-1] else float("-inf")), folder.name

    return max(scores, key=key, default=None)


def _write(folder: Path, learner: TrainState, progress: Progress) -> None:
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


def _tensors(path: Path) -> dict[str, Tensor]:
    with open_file(path):  # safetensors would wait for a pipe
        return load_file(path)


def _moments(learner: TrainState) -> dict[str, Tensor]:
    """AdamW's state by our names: NAME/exp_avg, NAME/exp_avg_sq and NAME/step."""
    state = learner.optimizer.state
    named = learner.student.named_parameters()
    return {f"{name}/{kind}": tensor for name, p in named for kind, tensor in state.get(p, {}).items()}


def _load_moments(learner: TrainState, moments: dict[str, Tensor], folder: Path) -> None:
    by_name: dict[str, dict[str, Tensor]] = {}
    for key, tensor in moments.items():
        name, kind = key.rsplit("/", 1)
        by_name.setdefault(name, {})[kind] = tensor
    named = dict(learner.student.named_parameters())
    if not by_name.keys() <= named.keys():
        raise CosmosSearchError(
            f"{folder} was written by an earlier version, with other names of tensors; it can be evaluated, exported "
            "and fine-tuned (--init), but not resumed."
        )
    for name, p in named.items():
        if name in by_name:
            state = by_name[name]
            learner.optimizer.state[p] = {kind: x if kind == "step" else x.to(p.device) for kind, x in state.items()}


def _remove(folder: Path) -> None:
    """At once, whenever it is killed: what bears a checkpoint's name is whole."""
    if folder.exists():
        doomed = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(doomed, ignore_errors=True)
        folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def _score(folder: Path) -> tuple[str | None, float]:
    """Its kind and the score."""
    try:
        content = json.loads(read_file(folder / "state.json"))
        return str(content["scored_by"]), float(content["score"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None, float("-inf")


def _difference(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    """The first one, in words; "" if there is none."""
    for name, tensor in wanted.items():
        if name not in tensors:
            return f"it has no {name}"
        if tensors[name].shape != tensor.shape:
            return f"{name} has the shape {tuple(tensors[name].shape)}, not {tuple(tensor.shape)}"
    more = tensors.keys() - wanted.keys()
    return f"it has {min(more)}, too" if more else ""


def _sync(path: Path) -> None:
    """To the disk, before anything relies on it."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
