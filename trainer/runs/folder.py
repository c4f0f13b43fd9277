"""A run's folder: whether a run may begin there, or go on, and that no other one writes to it meanwhile."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

from filelock import FileLock, Timeout

from indexer.errors import CosmosSearchError
from trainer.config import TrainConfig
from trainer.runs.checkpoints import Progress, checkpoints
from trainer.runs.distributed import Ranks

__all__ = ["check_is_new", "check_places", "claimed", "data_order", "writing"]

LOCK = ".lock"
LEFTOVERS = (".*.partial", "checkpoints/.step-*", "checkpoints/step-*/.*")  # of a run that was killed
# What a run that has begun may have left, by the beginnings of their names.
OWN = (
    "sources.json",
    "tokenizer.json",
    "config.json",
    "checkpoints",
    "metrics.",
    "refused-",
    "tensorboard",
    ".config.",
    ".metrics.",
    ".refused-",
    ".sources.",
    ".tokenizer.",
    LOCK,
)


def check_is_new(run: Path) -> None:
    """Raise CosmosSearchError if the folder holds a run, or anything else but the beginning of one."""
    if checkpoints(run):
        raise CosmosSearchError(
            f"{run} holds a run already; go on with it: cosmos-search-train run --resume {quote(str(run))}"
        )
    if run.exists() and not run.is_dir():
        raise CosmosSearchError(f"{run} is a file; choose a new folder for the run: --out FOLDER")
    names = sorted(path.name for path in run.iterdir()) if run.exists() else []
    strangers = [name for name in names if not name.startswith(OWN)]
    if strangers:
        raise CosmosSearchError(f"{run} holds other files ({strangers[0]}); choose a new folder: --out FOLDER")


@contextmanager
def claimed(run: Path, ranks: Ranks) -> Iterator[None]:
    """The folder for this run's processes alone, without leftovers; entered by all of them, and freed if they die.

    The first rank holds the lock and tells the others, so that a refusal ends all of them. Within this it may be
    entered again. Raises CosmosSearchError if another run holds the folder, or it can't be written to.
    """
    lock = FileLock(run / LOCK, timeout=0, is_singleton=True)
    refusal = _claim(lock, run) if ranks.rank == 0 else ""
    if reason := ranks.all_of(refusal)[0]:
        raise CosmosSearchError(reason)
    try:
        yield
    finally:
        if ranks.rank == 0:
            lock.release()


def _claim(lock: FileLock, run: Path) -> str:
    """Why it can't be had; "" if it is."""
    try:
        run.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        for pattern in LEFTOVERS:
            for path in list(run.glob(pattern)):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except Timeout:
        return f"Another training writes to {run}; wait until it is done, or train into another folder."
    except OSError as error:
        return f"{run} can't be written to ({error})."
    return ""


def check_places(run: Path, config: TrainConfig, progress: Progress, ranks: Ranks) -> None:
    """Raise CosmosSearchError where the places in the data would mean others."""
    n_ranks, n_workers = len(progress.places), max(1, config.workers)
    if n_ranks != ranks.world:
        raise CosmosSearchError(f"{run} was trained by {n_ranks} processes; now there are {ranks.world}.")
    if len(progress.places[0]) != n_workers:
        raise CosmosSearchError(
            f"{run} was trained with {len(progress.places[0])} workers, and config.json now says {n_workers}."
        )
    if progress.order != (order := data_order(config)):
        raise CosmosSearchError(f"{run} was trained with {progress.order}, and config.json now says {order}.")


def data_order(config: TrainConfig) -> str:
    """What the order of the samples follows from, in words."""
    return f"seed {config.seed}, batch {config.batch}, sample_shuffle {config.sample_shuffle}"


@contextmanager
def writing(run: Path) -> Iterator[None]:
    """A folder that can't be written to is a sentence."""
    try:
        yield
    except OSError as error:
        raise CosmosSearchError(f"{run} can't be written to ({error}); its checkpoints are as they were.") from error
