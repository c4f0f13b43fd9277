"""A run as its user knows it: a folder that remembers its config, its data and its tokenizer."""

import json
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from cosmos_search.model_config import MAX_TOKENIZER_BYTES
from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.processing.text import TextTokenizer
from indexer.errors import CosmosSearchError, PictureError
from indexer.files import read_file, replace_file
from trainer.attention_sheet import attention_picture
from trainer.config import TrainConfig, load_config
from trainer.data.batches import picture_of
from trainer.data.samples import open_source
from trainer.evaluate import HeldOut, NetworkEncoder, evaluate_encoders, held_out, retrieval, retrieval_score
from trainer.report import Evaluation
from trainer.runs.distributed import joined_ranks
from trainer.runs.export import TOKENIZER, chosen_checkpoint, run_networks, run_tokenizer
from trainer.runs.folder import check_is_new, claimed
from trainer.runs.initial_weights import initial_network
from trainer.runs.loop import Evaluate, Show, resume, train

__all__ = ["Sources", "evaluate_run", "resume_run", "start_run"]

SOURCES = "sources.json"
N_SCORED = 1000  # pairs, at each checkpoint
N_SHOWN = 3  # sentences of a picture


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a run's pairs are: to learn from, and to choose the best checkpoint by (or none).

    inventory: of the data, as `Source.inventory` gives it; a run goes on with these alone.
    """

    data: str
    val: str | None = None
    inventory: dict[str, int] = field(default_factory=dict)


def start_run(
    config: TrainConfig, sources: Sources, run: Path, *, init: str | None = None, tokenizer: Path | None = None
) -> Path:
    """Train from the start into an empty or new folder; returns the last checkpoint.

    init: see `trainer.runs.initial_weights`. tokenizer: a tokenizer.json, for a vocabulary that isn't CLIP's.
    """
    check_is_new(run)
    reader = TextTokenizer.from_file(tokenizer, config.network.context_length) if tokenizer else None
    source = open_source(Path(sources.data))
    network = initial_network(init, config.network, config.seed) if init is not None else None
    with joined_ranks() as ranks, claimed(run, ranks):
        check_is_new(run)  # once more: another run may have begun there
        if ranks.rank == 0:
            _remember(replace(sources, inventory=source.inventory()), run, tokenizer, is_new=True)
        reader = reader or run_tokenizer(run, config)
        evaluate, show = _watchers(config, sources, reader)
        return train(config, source, reader, run, init=network, evaluate=evaluate, show=show)


def resume_run(run: Path, *, data: str | None = None, val: str | None = None) -> Path:
    """Go on from the last checkpoint; returns the last one.

    data, val: where these are now, if they have moved; they are remembered.
    Raises CosmosSearchError if the data are not those that the run began with.
    """
    config = load_config(run / "config.json")
    known = _remembered(run)
    sources = replace(known, data=data or known.data, val=val or known.val)
    source = open_source(Path(sources.data))
    _check_inventory(source.inventory(), known.inventory, sources.data)
    with joined_ranks() as ranks, claimed(run, ranks):
        if sources != known and ranks.rank == 0:
            _remember(sources, run, None)
        reader = run_tokenizer(run, config)
        evaluate, show = _watchers(config, sources, reader)
        return resume(run, source, reader, evaluate=evaluate, show=show)


def evaluate_run(
    run: Path,
    which: str = "best",
    *,
    data: Path | None = None,
    classes: Path | None = None,
    templates: Path | None = None,
    limit: int = 5000,
) -> Evaluation:
    """Student and teacher of a checkpoint, by `trainer.evaluate.evaluate_encoders`."""
    checkpoint = chosen_checkpoint(run, which)
    config = load_config(run / "config.json")
    networks, tokenizer = run_networks(run, checkpoint), run_tokenizer(run, config)
    if torch.cuda.is_available():
        networks = {role: network.cuda() for role, network in networks.items()}
    encoders = {role: NetworkEncoder(role, network, tokenizer) for role, network in networks.items()}
    return evaluate_encoders(
        checkpoint.name,
        encoders,
        data=data,
        classes=classes,
        templates=templates,
        text_mode=config.text_mode,
        limit=limit,
    )


def _check_inventory(found: dict[str, int], known: dict[str, int], data: str) -> None:
    names = sorted(name for name in known.keys() | found.keys() if known.get(name) != found.get(name))
    if not known or not names:
        return
    said = "; ".join(f"{name}: {known.get(name, 'none')} then, {found.get(name, 'none')} now" for name in names[:3])
    raise CosmosSearchError(
        f"{data} is not what this run began with ({len(names)} of {len(known)} differ; {said}), so it can't go on "
        "exactly. Bring the data back, or name them: --data FOLDER"
    )


def _remember(sources: Sources, run: Path, tokenizer: Path | None, *, is_new: bool = False) -> None:
    try:
        text = json.dumps(asdict(sources), indent=2) + "\n"
        replace_file(run / SOURCES, lambda file: file.write(text.encode()))
        if is_new:
            (run / TOKENIZER).unlink(missing_ok=True)  # of a beginning that failed
        if tokenizer is not None:
            content = read_file(tokenizer, MAX_TOKENIZER_BYTES)
            replace_file(run / TOKENIZER, lambda file: file.write(content))
    except OSError as error:
        raise CosmosSearchError(f"{run} can't be written to ({error}).") from error


def _remembered(run: Path) -> Sources:
    try:
        return Sources(**json.loads(read_file(run / SOURCES)))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise CosmosSearchError(f"{run} doesn't say where its data are; name them: --data FOLDER") from error


def _watchers(config: TrainConfig, sources: Sources, tokenizer: TextTokenizer) -> tuple[Evaluate | None, Show | None]:
    """What scores a checkpoint and what draws attention, if there is something to do it with."""
    if sources.val is None:
        return None, None
    data = held_out(open_source(Path(sources.val)), config.text_mode, N_SCORED)
    show = partial(_shown, data=data, tokenizer=tokenizer) if config.cross_attention else None
    return partial(_score, data=data, tokenizer=tokenizer), show


def _score(student: CosmosModel, teacher: CosmosModel, *, data: HeldOut, tokenizer: TextTokenizer) -> float:
    encoders = {"teacher": NetworkEncoder("teacher", teacher, tokenizer)}
    return retrieval_score(retrieval(encoders, data)["teacher"])


def _shown(teacher: CosmosModel, *, data: HeldOut, tokenizer: TextTokenizer) -> Tensor | None:
    """The first picture that can be read, with its first sentences; None if none can."""
    for sample in data.samples:
        try:
            picture: Image.Image = picture_of(sample.pair, min_side=teacher.config.image_size)
        except (PictureError, OSError):
            continue
        drawn = attention_picture(teacher, tokenizer, picture, list(sample.sentences[:N_SHOWN]))
        return torch.from_numpy(np.array(drawn)).permute(2, 0, 1).float() / 255
    return None
