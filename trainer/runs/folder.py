"""The files of a training run. No other module names, reads or writes them.

RUN/config.json, sources.json       the TrainConfig, and where the data is
RUN/tokenizer.json                  unless the tokenizer is CLIP's
RUN/checkpoints/step-00001000/      student, teacher and optimizer (.safetensors), state.json (Progress)
RUN/metrics.jsonl, tensorboard/     numbers by step
RUN/refused-RANK.jsonl              skipped samples, by process
RUN/.lock                           held while a run writes to the folder
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from cosmos_search.model_config import MAX_TOKENIZER_BYTES
from cosmos_search.processing.text import TextTokenizer, clip_tokenizer
from indexer.errors import CosmosSearchError
from indexer.files import append_file, open_file, read_file, replace_file
from trainer.config import TrainConfig, load_config, save_config
from trainer.data.samples import SkippedSample
from trainer.runs.distributed import Ranks
from trainer.runs.errors import (
    DamagedCheckpointError,
    RunExistsError,
    RunFolderTakenError,
    UnknownSourcesError,
    VocabularyError,
)
from trainer.runs.records import Progress, Score, Sources

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter

__all__ = ["Checkpoint", "Part", "RunFolder"]

CONFIG, SOURCES, TOKENIZER = "config.json", "sources.json", "tokenizer.json"
CHECKPOINTS, STEP, STATE = "checkpoints", "step-", "state.json"
METRICS, SKIPPED, TENSORBOARD, LOCK = "metrics.jsonl", "refused-", "tensorboard", ".lock"
# Prefixes of the names of files that remain of a run killed before its first checkpoint. A file that is being replaced
# has a dot before its name.
REPLACED = (CONFIG, SOURCES, TOKENIZER, METRICS, SKIPPED)
OWN = (*REPLACED, *(f".{name}" for name in REPLACED), CHECKPOINTS, TENSORBOARD, LOCK)
LEFTOVERS = (".*.partial", f"{CHECKPOINTS}/.{STEP}*", f"{CHECKPOINTS}/{STEP}*/.*")  # of a run that was killed

Part = Literal["student", "teacher", "optimizer"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The folder of one checkpoint. It is written under another name and then renamed, so it is always complete."""

    path: Path

    @property
    def name(self) -> str:
        """As in "step-00001000", the number of steps that were taken."""
        return self.path.name

    def write(self, tensors: Mapping[Part, Mapping[str, Tensor]], progress: Progress) -> None:
        """Write all files, replacing an earlier checkpoint of the same step.

        Raises CosmosSearchError if they can't be written; an earlier checkpoint of the same step stays.
        """
        partial = self.path.with_name(f".{self.name}.partial")
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            for part, named in tensors.items():
                kept = {name: tensor.detach().cpu().contiguous() for name, tensor in named.items()}
                save_file(kept, partial / f"{part}.safetensors", metadata={"format": "pt"})
            (partial / STATE).write_bytes(_to_json(progress.to_dict()))
            for path in [*partial.iterdir(), partial]:
                _sync(path)
            self.remove()
            partial.rename(self.path)
            _sync(self.path.parent)
        except (OSError, SafetensorError) as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise CosmosSearchError(
                f"The checkpoint {self.path} could not be written ({error}); earlier ones are unchanged."
            ) from error

    def read_tensors(self, part: Part) -> dict[str, Tensor]:
        """The tensors of a part by name, on the CPU. Raises DamagedCheckpointError."""
        path = self.path / f"{part}.safetensors"
        try:
            with open_file(path):  # load_file would wait for the other end of a pipe
                return load_file(path)
        except (OSError, SafetensorError) as error:
            raise DamagedCheckpointError(self.path, str(error)) from error

    def read_progress(self) -> Progress:
        """What is stored beside the tensors. Raises DamagedCheckpointError."""
        try:
            return Progress.from_dict(json.loads(read_file(self.path / STATE)))
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise DamagedCheckpointError(self.path, str(error)) from error

    def write_score(self, score: Score) -> None:
        """Add a score. Raises CosmosSearchError."""
        path = self.path / STATE
        try:
            content = json.loads(read_file(path)) | {"score": score.value, "scored_by": score.metric}
            replace_file(path, lambda file: file.write(_to_json(content)))
        except OSError as error:
            raise CosmosSearchError(f"The score of {self.path} could not be written ({error}).") from error

    def remove(self) -> None:
        """Remove the folder, renaming it first, so that a killed process leaves no part of a checkpoint."""
        if self.path.exists():
            old = self.path.with_name(f".{self.name}.old")
            shutil.rmtree(old, ignore_errors=True)
            self.path.rename(old)
            shutil.rmtree(old, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run, which may not exist yet."""

    path: Path

    @property
    def config_file(self) -> Path:
        """For messages; `read_config` reads it."""
        return self.path / CONFIG

    @property
    def skipped_files(self) -> str:
        """A glob pattern for messages."""
        return f"{self.path}/{SKIPPED}*.jsonl"

    def check_new(self) -> None:
        """Raise CosmosSearchError if the folder holds a run, or files other than those of a start that failed."""
        if self.checkpoints():
            raise RunExistsError(self.path)
        if self.path.exists() and not self.path.is_dir():
            raise RunFolderTakenError(self.path, "is a file")
        names = sorted(path.name for path in self.path.iterdir()) if self.path.exists() else []
        if unexpected := [name for name in names if not name.startswith(OWN)]:
            raise RunFolderTakenError(self.path, f"holds other files ({unexpected[0]})")

    @contextmanager
    def lock(self, ranks: Ranks) -> Iterator[None]:
        """Reserve the folder for the processes of one run, and remove what a killed run left.

        All ranks enter; the first one holds the lock and sends its failure to the others, so that all of them end. The
        lock may be entered again within, and is freed when the process dies.
        Raises CosmosSearchError if another run holds the folder, or it can't be written to.
        """
        lock = FileLock(self.path / LOCK, timeout=0, is_singleton=True)
        problem = self._acquire(lock) if ranks.rank == 0 else ""
        if reason := ranks.all_gather(problem)[0]:
            raise CosmosSearchError(reason)
        try:
            yield
        finally:
            if ranks.rank == 0:
                lock.release()

    def _acquire(self, lock: FileLock) -> str:
        """Why the lock can't be had; "" if it is held now."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire()
            for pattern in LEFTOVERS:
                for path in list(self.path.glob(pattern)):
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        except Timeout:
            return f"Another training writes to {self.path}; wait until it has ended, or train into another folder."
        except OSError as error:
            return f"Cannot write to {self.path} ({error})."
        return ""

    @contextmanager
    def convert_write_errors(self) -> Iterator[None]:
        """Raise CosmosSearchError, with the folder's name, for an OSError within."""
        try:
            yield
        except OSError as error:
            raise CosmosSearchError(f"Cannot write to {self.path} ({error}); its checkpoints are unchanged.") from error

    def read_config(self) -> TrainConfig:
        """Raises CosmosSearchError."""
        return load_config(self.path / CONFIG)

    def write_config(self, config: TrainConfig) -> None:
        """Raises OSError."""
        save_config(config, self.path / CONFIG)

    def read_sources(self) -> Sources:
        """Raises UnknownSourcesError."""
        try:
            return Sources(**json.loads(read_file(self.path / SOURCES)))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise UnknownSourcesError(self.path) from error

    def write_sources(self, sources: Sources) -> None:
        """Raises OSError."""
        replace_file(self.path / SOURCES, lambda file: file.write(_to_json(asdict(sources))))

    @property
    def has_tokenizer(self) -> bool:
        """True if the run has a tokenizer of its own; else it is CLIP's."""
        return (self.path / TOKENIZER).exists()

    def load_tokenizer(self, config: TrainConfig) -> TextTokenizer:
        """The run's own, or CLIP's. Raises CosmosSearchError, VocabularyError if the network has fewer tokens."""
        length, n_tokens = config.cosmos_network.context_length, config.cosmos_network.vocab_size
        own = self.path / TOKENIZER
        tokenizer = TextTokenizer.from_file(own, length) if self.has_tokenizer else clip_tokenizer(length)
        if tokenizer.end >= n_tokens:
            raise VocabularyError(n_tokens)
        return tokenizer

    def write_tokenizer(self, file: Path | None) -> None:
        """Copy a tokenizer's file, or with None remove that of a start that failed. Raises OSError."""
        if file is None:
            (self.path / TOKENIZER).unlink(missing_ok=True)
            return
        content = read_file(file, MAX_TOKENIZER_BYTES)
        replace_file(self.path / TOKENIZER, lambda target: target.write(content))

    def copy_tokenizer(self, folder: Path) -> None:
        """Copy the run's own tokenizer into a model's folder, under the same name. Raises OSError."""
        shutil.copyfile(self.path / TOKENIZER, folder / TOKENIZER)

    def checkpoint(self, step: int) -> Checkpoint:
        """The checkpoint after so many steps, which may not exist."""
        return Checkpoint(self.path / CHECKPOINTS / f"{STEP}{step:08}")

    def checkpoints(self) -> list[Checkpoint]:
        """All that exist, the oldest first."""
        return [Checkpoint(path) for path in sorted((self.path / CHECKPOINTS).glob(f"{STEP}*"))]

    def append_metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Add a line of numbers. Raises OSError."""
        append_file(self.path / METRICS, _to_line({"step": step, **values}))

    def read_metrics(self) -> list[dict[str, Any]]:
        """The lines of numbers in order, each with its step. Raises OSError."""
        return [json.loads(line) for line in read_file(self.path / METRICS).decode("utf-8").splitlines()]

    def append_skipped(self, rank: int, step: int, samples: Sequence[SkippedSample]) -> None:
        """Add a line for each sample that a process skipped on the way to a step. Raises OSError."""
        lines = [_to_line({"step": step, "key": sample.key, "reason": sample.reason}) for sample in samples]
        if lines:
            append_file(self._get_skip_log(rank), b"".join(lines))

    def truncate_logs(self, rank: int, step: int) -> None:
        """Drop the lines from a step on, which a resumed run writes again, and incomplete ones. Raises OSError."""
        if rank == 0:
            _truncate(self.path / METRICS, step)
        _truncate(self._get_skip_log(rank), step)

    def _get_skip_log(self, rank: int) -> Path:
        return self.path / f"{SKIPPED}{rank}.jsonl"

    def open_tensorboard(self, step: int) -> "SummaryWriter | None":
        """A writer that discards what was written from a step on; None without the package tensorboard."""
        if find_spec("tensorboard") is None:
            return None
        from torch.utils.tensorboard.writer import SummaryWriter  # takes seconds, and needs an extra

        return SummaryWriter(str(self.path / TENSORBOARD), purge_step=step)


def _to_json(content: object) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()


def _to_line(content: Mapping[str, object]) -> bytes:
    return (json.dumps(content) + "\n").encode()


def _truncate(path: Path, step: int) -> None:
    if not path.exists():
        path.unlink(missing_ok=True)  # a link to nothing
        return
    kept = []
    for line in read_file(path).decode("utf-8", "replace").splitlines():
        with suppress(ValueError):
            if json.loads(line)["step"] < step:
                kept.append(line + "\n")
    replace_file(path, lambda file: file.write("".join(kept).encode()))


def _sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    if os.name == "nt":  # Windows can't open folders
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
