"""The errors of training runs, which carry facts as fields; trainer/advice.py adds the commands that fix them.

Nothing here imports torch, so that the command line can list these classes without it.
"""

from dataclasses import dataclass
from pathlib import Path

from indexer.errors import CosmosSearchError, UsageError

__all__ = [
    "DamagedCheckpointError",
    "DataChangedError",
    "EarlierNamesError",
    "InitSizesError",
    "NoCheckpointError",
    "NothingToResumeError",
    "OrderChangedError",
    "OtherNetworkError",
    "RunExistsError",
    "RunFolderTakenError",
    "UnknownInitError",
    "UnknownSourcesError",
    "VocabularyError",
]


@dataclass(eq=False)
class RunExistsError(CosmosSearchError):
    """The folder for a new run holds a run."""

    run: Path

    def __str__(self) -> str:
        return f"{self.run} already holds a run."


@dataclass(eq=False)
class RunFolderTakenError(CosmosSearchError):
    """The path for a new run is a file or a folder with other content, as `problem` states."""

    run: Path
    problem: str

    def __str__(self) -> str:
        return f"{self.run} {self.problem}."


@dataclass(eq=False)
class NothingToResumeError(CosmosSearchError):
    """The run to resume has no checkpoint yet."""

    run: Path

    def __str__(self) -> str:
        return f"{self.run} has no checkpoint yet."


@dataclass(eq=False)
class NoCheckpointError(CosmosSearchError):
    """The folder to evaluate or to export from has no checkpoint."""

    run: Path

    def __str__(self) -> str:
        return f"{self.run} is not the folder of a run, or has no checkpoint yet."


@dataclass(eq=False)
class DamagedCheckpointError(CosmosSearchError):
    """A file of a checkpoint cannot be read."""

    checkpoint: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.checkpoint} is damaged ({self.reason}); remove it to resume from the previous checkpoint."


@dataclass(eq=False)
class OtherNetworkError(CosmosSearchError):
    """A checkpoint's tensors are not those of the network in the run's config."""

    checkpoint: Path
    difference: str

    def __str__(self) -> str:
        return f"{self.checkpoint} is of another network than the run's config describes: {self.difference}."


@dataclass(eq=False)
class EarlierNamesError(CosmosSearchError):
    """A checkpoint's optimizer state has the parameter names of an earlier version."""

    checkpoint: Path

    @property
    def run(self) -> Path:
        return self.checkpoint.parent.parent

    def __str__(self) -> str:
        return (
            f"{self.checkpoint} was written by an earlier version, with other parameter names; it can be evaluated, "
            "exported and fine-tuned, but not resumed."
        )


@dataclass(eq=False)
class OrderChangedError(CosmosSearchError):
    """A run's config was edited so that the samples would come in another order than before."""

    config: Path
    then: str
    now: str

    def __str__(self) -> str:
        return f"{self.config.parent} was trained with {self.then}, but {self.config.name} now has {self.now}."


@dataclass(eq=False)
class DataChangedError(CosmosSearchError):
    """The data of a run is not what it was at its start. differences: (file, size then or None, size now or None)."""

    data: str
    n_files: int
    differences: tuple[tuple[str, int | None, int | None], ...]

    def __str__(self) -> str:
        first = "; ".join(
            f"{name}: {'none' if then is None else then} then, {'none' if now is None else now} now"
            for name, then, now in self.differences[:3]
        )
        return (
            f"{self.data} is not the data that this run started with ({len(self.differences)} of {self.n_files} "
            f"differ; {first}), so the run cannot be resumed exactly."
        )


@dataclass(eq=False)
class UnknownSourcesError(CosmosSearchError):
    """The file that says where a run's data is cannot be read."""

    run: Path

    def __str__(self) -> str:
        return f"{self.run} does not record where its data is."


@dataclass(eq=False)
class VocabularyError(CosmosSearchError):
    """The tokenizer has more tokens than the network's vocabulary."""

    n_tokens: int

    def __str__(self) -> str:
        return f"The network has a vocabulary of {self.n_tokens} tokens, and the tokenizer has more."


@dataclass(eq=False)
class InitSizesError(CosmosSearchError):
    """The network to fine-tune has other sizes than the config's."""

    init: str
    differences: tuple[str, ...]

    def __str__(self) -> str:
        return f"The network {self.init} has other sizes than the config: {', '.join(self.differences)}."


@dataclass(eq=False)
class UnknownInitError(UsageError):
    """The network to fine-tune is neither a model nor a path."""

    init: str

    def __str__(self) -> str:
        return f"There is no model, file or folder {self.init!r} to fine-tune."
