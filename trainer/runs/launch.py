"""Start, resume and evaluate training runs."""

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from cosmos_search.encoders.mini.encoder import MiniEncoder
from cosmos_search.encoders.protocol import Encoder
from cosmos_search.models.trained import TRAINED_FILE
from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.network.mini import MiniNetwork, MiniNetworkConfig
from cosmos_search.processing.text import TextTokenizer
from indexer.errors import PictureError, UsageError
from trainer.attention_sheet import draw_attention_sheet
from trainer.config import TrainConfig
from trainer.data.batches import read_picture
from trainer.data.features import FeatureCache
from trainer.data.samples import open_source
from trainer.evaluate import (
    Evaluation,
    HeldOut,
    average_recall_at_1,
    evaluate_encoders,
    measure_retrieval,
    select_held_out,
)
from trainer.method.network import Network
from trainer.network_encoder import NetworkEncoder
from trainer.runs.checkpoints import choose_checkpoint, load_networks
from trainer.runs.distributed import join_ranks
from trainer.runs.errors import DataChangedError, UnknownSourcesError
from trainer.runs.folder import RunFolder
from trainer.runs.frozen import load_earlier_run, make_scorer, open_features, standardize
from trainer.runs.initial_weights import load_initial_network
from trainer.runs.loop import DrawAttention, Evaluate, resume, train
from trainer.runs.networks import make_network
from trainer.runs.records import Sources

__all__ = ["Sources", "evaluate_run", "resume_run", "start_run"]

N_SCORED = 1000  # held-out pairs, for each checkpoint
N_DRAWN = 3  # sentences of a picture


def start_run(
    config: TrainConfig,
    sources: Sources,
    run: Path,
    *,
    init: str | None = None,
    tokenizer: Path | None = None,
    stop: Event | None = None,
) -> Path:
    """Train from the start into an empty or new folder; returns the last checkpoint.

    init: see `trainer.runs.initial_weights`. tokenizer: a tokenizer.json, for a vocabulary that isn't CLIP's.
    stop: see `trainer.runs.loop.train`.
    """
    folder = RunFolder(run)
    folder.check_new()
    if isinstance(config.network, MiniNetworkConfig):
        return _start_frozen_run(config, sources, run, init=init, tokenizer=tokenizer, stop=stop)
    own = TextTokenizer.from_file(tokenizer, config.network.context_length) if tokenizer else None
    source = open_source(Path(sources.data))
    network = load_initial_network(init, config.network, config.seed) if init is not None else None
    with join_ranks() as ranks, folder.lock(ranks):
        folder.check_new()  # again: another run may have been started there before the lock was held
        if ranks.rank == 0:
            with folder.convert_write_errors():
                folder.write_sources(replace(sources, inventory=source.inventory()))
                folder.write_tokenizer(tokenizer)
        own = own or folder.load_tokenizer(config)
        evaluate, draw = _make_callbacks(config, sources, own)
        return train(config, source, own, run, init=network, evaluate=evaluate, draw_attention=draw, stop=stop)


def _start_frozen_run(
    config: TrainConfig,
    sources: Sources,
    run: Path,
    *,
    init: str | None,
    tokenizer: Path | None,
    stop: Event | None,
) -> Path:
    if tokenizer is not None:
        raise UsageError("The built-in encoder is trained with its own tokenizer: leave out that option.")
    folder, source = RunFolder(run), open_source(Path(sources.data))
    cache = open_features(config, source, stop)
    network = _make_frozen_network(config, cache, init)
    evaluate = make_scorer(config, Path(sources.val)) if sources.val is not None else None
    with join_ranks() as ranks, folder.lock(ranks):
        folder.check_new()
        if ranks.rank == 0:
            with folder.convert_write_errors():
                folder.write_sources(replace(sources, inventory=source.inventory()))
        return train(config, source, cache, run, init=network, evaluate=evaluate, stop=stop)


def _make_frozen_network(config: TrainConfig, cache: FeatureCache, init: str | None) -> MiniNetwork:
    assert isinstance(config.network, MiniNetworkConfig), config.network
    if init is not None:
        return load_earlier_run(init, config.network)
    torch.manual_seed(config.seed)
    network = make_network(config.network)
    assert isinstance(network, MiniNetwork), network
    standardize(network, cache)
    return network


def resume_run(run: Path, *, data: str | None = None, val: str | None = None, stop: Event | None = None) -> Path:
    """Resume training from the last checkpoint; returns the last checkpoint of the finished run.

    data, val: their new paths if they have moved; these are stored. Raises DataChangedError if the data differs from
    that of the start. stop: see `trainer.runs.loop.train`.
    """
    folder = RunFolder(run)
    config = folder.read_config()
    known = _read_sources(folder, data)
    source = open_source(Path(data or known.data))
    found = source.inventory()
    _check_inventory(found, known.inventory or found, data or known.data)
    sources = Sources(data or known.data, val or known.val, known.inventory or found)
    with join_ranks() as ranks, folder.lock(ranks):
        if ranks.rank == 0:
            with folder.convert_write_errors():
                folder.write_sources(sources)
        if isinstance(config.network, MiniNetworkConfig):
            evaluate = make_scorer(config, Path(sources.val)) if sources.val is not None else None
            return resume(run, source, open_features(config, source, stop), evaluate=evaluate, stop=stop)
        tokenizer = folder.load_tokenizer(config)
        evaluate, draw = _make_callbacks(config, sources, tokenizer)
        return resume(run, source, tokenizer, evaluate=evaluate, draw_attention=draw, stop=stop)


def evaluate_run(
    run: Path,
    which: str = "best",
    *,
    data: Path | None = None,
    classes: Path | None = None,
    templates: Path | None = None,
    limit: int = 5000,
) -> Evaluation:
    """Evaluate student and teacher of a checkpoint; see `evaluate_encoders` and `choose_checkpoint`."""
    folder = RunFolder(run)
    checkpoint, config = choose_checkpoint(folder, which), folder.read_config()
    networks = load_networks(folder, checkpoint)
    with tempfile.TemporaryDirectory() as scratch:
        return evaluate_encoders(
            checkpoint.name,
            {role: _make_encoder(folder, config, role, network, Path(scratch)) for role, network in networks.items()},
            data=data,
            classes=classes,
            templates=templates,
            text_mode=config.text_mode,
            limit=limit,
        )


def _make_encoder(run: RunFolder, config: TrainConfig, role: str, network: Network, scratch: Path) -> Encoder:
    """A trained network as an encoder: with frozen towers as the built-in one, from files in `scratch`."""
    if isinstance(network, MiniNetwork):
        file = scratch / f"{role}-{TRAINED_FILE}"
        save_file(network.export_tensors(), file)
        return MiniEncoder(scratch, trained=file)
    if torch.cuda.is_available():
        network = network.cuda()
    return NetworkEncoder(role, network, run.load_tokenizer(config))


def _read_sources(run: RunFolder, data: str | None) -> Sources:
    """The sources that the run stores; where they can't be read, `data`, whose inventory is unknown."""
    try:
        return run.read_sources()
    except UnknownSourcesError:
        if data is None:
            raise
        return Sources(data)


def _check_inventory(found: dict[str, int], known: dict[str, int], data: str) -> None:
    names = sorted(name for name in known.keys() | found.keys() if known.get(name) != found.get(name))
    if names:
        raise DataChangedError(data, len(known), tuple((name, known.get(name), found.get(name)) for name in names))


def _make_callbacks(
    config: TrainConfig, sources: Sources, tokenizer: TextTokenizer
) -> tuple[Evaluate | None, DrawAttention | None]:
    """The callbacks that score a checkpoint and draw its attention; None without held-out data."""
    if sources.val is None:
        return None, None
    data = select_held_out(open_source(Path(sources.val)), config.text_mode, N_SCORED)
    draw = partial(_draw_attention, data=data, tokenizer=tokenizer) if config.cross_attention else None
    return partial(_score, data=data, tokenizer=tokenizer), draw


def _score(student: Network, teacher: Network, *, data: HeldOut, tokenizer: TextTokenizer) -> float:
    assert isinstance(teacher, CosmosModel), teacher
    encoders = {"teacher": NetworkEncoder("teacher", teacher, tokenizer)}
    return average_recall_at_1(measure_retrieval(encoders, data)["teacher"])


def _draw_attention(teacher: Network, *, data: HeldOut, tokenizer: TextTokenizer) -> Tensor | None:
    """Attention to the first picture that can be read, for its first sentences; None if no picture can be read."""
    assert isinstance(teacher, CosmosModel), teacher
    for sample in data.samples:
        try:
            picture: Image.Image = read_picture(sample.pair, min_side=teacher.config.image_size)
        except (PictureError, OSError):
            continue
        sheet = draw_attention_sheet(teacher, tokenizer, picture, list(sample.sentences[:N_DRAWN]))
        return torch.from_numpy(np.array(sheet)).permute(2, 0, 1).float() / 255
    return None
