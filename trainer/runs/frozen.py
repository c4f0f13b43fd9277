"""Runs whose towers are frozen: their cached features, and the scores of their checkpoints."""

import hashlib
import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np
import platformdirs
import torch
from numpy.typing import NDArray
from torch.nn import functional as F
from tqdm import tqdm

from cosmos_search.evaluation.metrics import compute_cosines, compute_retrieval_metrics
from cosmos_search.model_config import MINI_POOLED
from cosmos_search.network.mini import MiniNetwork, MiniNetworkConfig
from indexer.errors import CosmosSearchError
from indexer.files import expand_home
from trainer.config import TrainConfig
from trainer.data.features import FeatureCache, FeaturePlan, cache_features
from trainer.data.frozen_towers import FrozenTowers
from trainer.data.samples import Source, open_source
from trainer.evaluate import average_recall_at_1
from trainer.method.network import Network
from trainer.runs.checkpoints import find_best_checkpoint, load_networks
from trainer.runs.errors import InitSizesError, UnknownInitError
from trainer.runs.folder import RunFolder
from trainer.runs.loop import Evaluate
from trainer.runs.networks import make_network

__all__ = [
    "encode_whole_pictures",
    "load_earlier_run",
    "make_scorer",
    "open_features",
    "open_held_out_features",
    "standardize",
]

BATCH = 256
N_LOCAL = 4  # local crops of a picture that are cached at least, so that configs with fewer share a cache


def open_features(config: TrainConfig, source: Source, stop: Event | None = None) -> FeatureCache:
    """The features of all views that training draws from, computed if they are not in the user's cache folder yet.

    stop: when it is set, KeyboardInterrupt is raised after the current block of pictures; what is cached stays.
    Raises CosmosSearchError for fewer than two pictures: training compares them.
    """
    cache = _open_features(config, source, n_crops=2, stop=stop)
    if len(cache) < 2:
        raise CosmosSearchError("Training compares pictures with each other, so it needs two or more; there is one.")
    return cache


def open_held_out_features(config: TrainConfig, data: Path) -> FeatureCache:
    """The features of whole pictures and of captions of other data."""
    return _open_features(config, open_source(data), n_crops=0)


def make_scorer(config: TrainConfig, data: Path) -> Evaluate:
    """Scores the teacher by R@1 of single and joined captions against whole pictures of held-out data."""
    return partial(_score, cache=open_held_out_features(config, data))


def load_earlier_run(init: str, config: MiniNetworkConfig) -> MiniNetwork:
    """A network with the weights of an earlier run, those of the teacher of its best checkpoint.

    init: the folder of the run. Raises UnknownInitError for anything else, InitSizesError for another `first_block`.
    """
    folder = RunFolder(expand_home(init))
    checkpoint = find_best_checkpoint(folder)
    earlier = load_networks(folder, checkpoint)["teacher"] if checkpoint is not None else None
    if not isinstance(earlier, MiniNetwork):
        raise UnknownInitError(init)
    if (found := earlier.config.first_block) != config.first_block:
        raise InitSizesError(init, (f"first_block {found} and not {config.first_block}",))
    network = make_network(config)
    network.load_state_dict(earlier.state_dict())
    assert isinstance(network, MiniNetwork), network
    return network


def standardize(network: MiniNetwork, cache: FeatureCache) -> None:
    """Set the mean and deviation of the features that the head takes to those of the whole pictures in a cache."""
    pooled = torch.stack([sample.views[0][-MINI_POOLED:].float() for sample in cache])
    network.feature_mean.copy_(pooled.mean(dim=0))
    network.feature_std.copy_(pooled.std(dim=0) + 1e-3)


@torch.no_grad()
def encode_whole_pictures(network: Network, cache: FeatureCache) -> NDArray[np.float32]:
    """The vectors of the whole pictures of a cache, in its order: (n, 384), unit rows."""
    views = [sample.views[0] for sample in cache]
    batches = [torch.stack(views[i : i + BATCH]).to(network.logit_scale.device) for i in range(0, len(views), BATCH)]
    vectors: NDArray[np.float32] = torch.cat([network.encode_images(batch).features for batch in batches]).cpu().numpy()
    return vectors


def _open_features(config: TrainConfig, source: Source, n_crops: int, stop: Event | None = None) -> FeatureCache:
    assert isinstance(config.network, MiniNetworkConfig), config.network
    towers = FrozenTowers(config.network.first_block)
    plan = FeaturePlan(
        towers=towers.version,
        first_block=config.network.first_block,
        inventory=source.inventory(),
        text_mode=config.text_mode,
        n_global=n_crops,
        n_local=max(config.n_local_images, N_LOCAL) if n_crops else 0,
        crop_border=config.crop_border,
    )
    digest = hashlib.sha256(json.dumps(asdict(plan), sort_keys=True).encode()).hexdigest()[:12]
    folder = platformdirs.user_cache_path("cosmos-search") / "features" / digest
    with tqdm(total=source.count(), unit="picture", desc="features", disable=None, file=sys.stderr) as bar:

        def update(n_done: int) -> None:
            bar.update(n_done - bar.n)
            if stop is not None and stop.is_set():
                raise KeyboardInterrupt
            if bar.disable:  # there is no terminal
                sys.stderr.write(f"features of {n_done} of {bar.total} pictures\n")

        return cache_features(source, folder, plan, towers, update)


def _score(student: Network, teacher: Network, *, cache: FeatureCache) -> float:
    samples, images = list(cache), encode_whole_pictures(teacher, cache)
    metrics: dict[str, float] = {}
    for kind in ("single", "joined"):
        texts = [getattr(sample, kind) for sample in samples]
        starts = np.cumsum([0, *map(len, texts)])
        captions_of = {i: range(starts[i], starts[i + 1]) for i in range(len(samples))}
        vectors = F.normalize(torch.cat(texts), dim=-1).numpy()
        found = compute_retrieval_metrics(compute_cosines(images, vectors), captions_of)
        metrics |= {f"{kind}_{name}": value for name, value in found.items()}
    return average_recall_at_1(metrics)
