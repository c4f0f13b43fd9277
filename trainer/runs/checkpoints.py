"""Saving and loading the training state, and choosing among checkpoints.

A checkpoint holds all that a run needs to be resumed exactly. No state of a random generator is stored: random
choices in training are functions of seed, epoch and sample.
"""

from collections.abc import Mapping

from torch import Tensor

from cosmos_search.model_config import Role
from cosmos_search.network.tensor_names import rename_as_in_file
from indexer.errors import UsageError
from trainer.method.network import Network
from trainer.method.step import TrainState
from trainer.runs.errors import DamagedCheckpointError, EarlierNamesError, NoCheckpointError, OtherNetworkError
from trainer.runs.folder import Checkpoint, Part, RunFolder
from trainer.runs.networks import make_network
from trainer.runs.records import Progress, Score

__all__ = [
    "choose_checkpoint",
    "find_best_checkpoint",
    "load_networks",
    "load_state",
    "load_student_and_teacher",
    "remove_old_checkpoints",
    "save_state",
]


def save_state(run: RunFolder, state: TrainState, progress: Progress) -> Checkpoint:
    """Write a checkpoint. Raises CosmosSearchError if it can't be written; earlier ones stay."""
    # AdamW's moments by our names: NAME/exp_avg, NAME/exp_avg_sq and NAME/step
    moments = {
        f"{name}/{kind}": tensor
        for name, parameter in state.student.named_parameters()
        for kind, tensor in state.optimizer.state.get(parameter, {}).items()
    }
    checkpoint = run.checkpoint(progress.step)
    tensors: Mapping[Part, Mapping[str, Tensor]] = {
        "student": state.student.state_dict(),
        "teacher": state.teacher.state_dict(),
        "optimizer": moments,
    }
    checkpoint.write(tensors, progress)
    return checkpoint


def load_state(checkpoint: Checkpoint, state: TrainState) -> Progress:
    """Load a checkpoint into the state. Raises CosmosSearchError if it is damaged or of another network."""
    progress = checkpoint.read_progress()
    load_student_and_teacher(checkpoint, state.student, state.teacher)
    _load_moments(checkpoint, state)
    if progress.scaler and state.scaler.is_enabled():
        state.scaler.load_state_dict(dict(progress.scaler))
    return progress


def load_networks(run: RunFolder, checkpoint: Checkpoint) -> dict[Role, Network]:
    """The networks of a checkpoint by role, for inference. Raises CosmosSearchError."""
    config = run.read_config()
    student, teacher = (make_network(config.network).eval() for _ in range(2))
    load_student_and_teacher(checkpoint, student, teacher)
    return {"student": student, "teacher": teacher}


def load_student_and_teacher(checkpoint: Checkpoint, student: Network, teacher: Network) -> None:
    """Load the networks alone, for evaluation or export. Raises CosmosSearchError if the tensors don't fit them."""
    networks: tuple[tuple[Part, Network], ...] = (("student", student), ("teacher", teacher))
    for part, model in networks:
        tensors = checkpoint.read_tensors(part)
        targets = rename_as_in_file(model.state_dict(), tensors)
        if difference := _describe_difference(tensors, targets):
            raise OtherNetworkError(checkpoint.path, difference)
        for name, target in targets.items():
            target.copy_(tensors[name])


def choose_checkpoint(run: RunFolder, which: str) -> Checkpoint:
    """The checkpoint of a run that `which` names: "best", "last", or a name such as "step-00001000".

    Raises NoCheckpointError if the run has none, UsageError if it has no such one.
    """
    by_name = {checkpoint.name: checkpoint for checkpoint in run.checkpoints()}
    best = find_best_checkpoint(run)
    if best is None:
        raise NoCheckpointError(run.path)
    by_name |= {"best": best, "last": run.checkpoints()[-1]}
    if which not in by_name:
        names = [checkpoint.name for checkpoint in run.checkpoints()]
        raise UsageError(f"{run.path} has no checkpoint {which}; there are: best, last, {', '.join(names)}")
    return by_name[which]


def find_best_checkpoint(run: RunFolder) -> Checkpoint | None:
    """The checkpoint with the highest score by the latest metric, of equal ones the latest; None if there is none.

    A checkpoint without a score, or with one that can't be read, is worse than any other.
    """
    checkpoints = run.checkpoints()
    scores = [_read_score(checkpoint) for checkpoint in checkpoints]
    metrics = [score.metric for score in scores if score is not None]

    def rank(i: int) -> tuple[float, int]:
        score = scores[i]
        return (score.value if score is not None and score.metric == metrics[-1] else float("-inf")), i

    return checkpoints[max(range(len(checkpoints)), key=rank)] if checkpoints else None


def remove_old_checkpoints(run: RunFolder, keep_last: int) -> None:
    """Remove all checkpoints but the last few and the best."""
    best = find_best_checkpoint(run)
    for checkpoint in run.checkpoints()[:-keep_last]:
        if checkpoint != best:
            checkpoint.remove()


def _load_moments(checkpoint: Checkpoint, state: TrainState) -> None:
    by_name: dict[str, dict[str, Tensor]] = {}
    for key, tensor in checkpoint.read_tensors("optimizer").items():
        name, slash, kind = key.rpartition("/")
        if not slash:
            raise DamagedCheckpointError(checkpoint.path, f"the optimizer has a tensor {key}")
        by_name.setdefault(name, {})[kind] = tensor
    parameters = dict(state.student.named_parameters())
    if not by_name.keys() <= parameters.keys():
        raise EarlierNamesError(checkpoint.path)
    for name, moments in by_name.items():
        parameter = parameters[name]
        state.optimizer.state[parameter] = {
            kind: tensor if kind == "step" else tensor.to(parameter.device) for kind, tensor in moments.items()
        }


def _read_score(checkpoint: Checkpoint) -> Score | None:
    try:
        return checkpoint.read_progress().score
    except DamagedCheckpointError:
        return None


def _describe_difference(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    """The first difference in names or shapes, in words; "" if there is none."""
    for name, tensor in wanted.items():
        if name not in tensors:
            return f"it has no {name}"
        if tensors[name].shape != tensor.shape:
            return f"{name} has the shape {tuple(tensors[name].shape)}, not {tuple(tensor.shape)}"
    more = tensors.keys() - wanted.keys()
    return f"it also has {min(more)}" if more else ""
