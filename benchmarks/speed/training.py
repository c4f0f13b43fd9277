"""Images a second of a training step against a plain one, what loading takes, and how cost grows; in one run.

    python -m benchmarks.speed.training [--networks tiny,b32] [--rounds 5]

Views of each network are the preset's. Captions are the scenes' (benchmarks/data/captioned_scenes.py), pictures real
photos
(scikit-image's), decoded and cropped for the loader's part, random numbers for the step's: the arithmetic is the same.
Rounds alternate between ours and the plain step; the figures are medians.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from random import Random
from statistics import median

import torch
from PIL import Image
from skimage import data
from torch import Tensor

from benchmarks.data.captioned_scenes import scenes
from benchmarks.machine import describe, print_table
from benchmarks.speed.plain_step import plain_step
from cosmos_search.processing.text import clip_tokenizer
from trainer.config import PRESETS, TrainConfig
from trainer.data.batches import Views, load_batches
from trainer.data.samples import Pair, open_source
from trainer.method.step import TrainState, training_step
from trainer.method.student import Batch
from trainer.runs.distributed import Ranks
from trainer.runs.loop import make_train_state

HERE = Ranks(0, 1, torch.device("cpu"))
NETWORKS = {
    "tiny": replace(PRESETS["tiny"], seed=0),
    "b32": replace(PRESETS["cc3m-b32"], batch=16, precision="fp32", text_mode="sentences", workers=2, n_samples=0),
}
PHOTOS = ("astronaut", "cat", "coffee", "rocket", "brick", "grass")
N_LOADED = 8  # batches, after as many workers have begun


def main() -> None:
    """Prints markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default="tiny,b32")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(describe("torch", "transformers"), end="\n\n")
    chosen = {name: NETWORKS[name] for name in options.networks.split(",")}
    print_table(
        ["network", "batch", "views", "ours, images/s", "plain, images/s", "ratio"],
        [_against_plain(name, config, options.rounds) for name, config in chosen.items()],
    )
    print()
    print_table(
        ["network", "loader alone, images/s", "step alone, images/s", "together, images/s", "share spent waiting"],
        [_with_loader(name, config, options.rounds) for name, config in chosen.items()],
    )
    print()
    print_table(["tiny, batch", "local crops", "s a step", "images/s"], list(_growth(options.rounds)))


def _against_plain(name: str, config: TrainConfig, rounds: int) -> list[object]:
    views, ids = _made(config)
    batch = Batch.collate(tuple(map(str, range(config.batch))), tuple(views), ids)
    ours, plain = make_train_state(config, HERE), make_train_state(config, HERE)
    losses = training_step(ours, batch, lr=0.0, ema_momentum=0.99)
    clip, distill = plain_step(plain, views, ids, momentum=0.99)
    assert abs(losses.clip.item() - clip) < 1e-3, "not the same L_CLIP"
    assert abs(losses.distill.item() - distill) < 1e-3, "not the same L_COSMOS"
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        began = time.perf_counter()
        training_step(ours, batch, lr=1e-4, ema_momentum=0.99)
        middle = time.perf_counter()
        plain_step(plain, views, ids, momentum=0.99)
        seconds[0].append(middle - began)
        seconds[1].append(time.perf_counter() - middle)
    fast, slow = (median(times) for times in seconds)
    n_views = f"{len(views)} + {ids.shape[1]}"
    return [
        name,
        config.batch,
        n_views,
        f"{config.batch / fast:.1f}",
        f"{config.batch / slow:.1f}",
        f"{slow / fast:.2f}",
    ]


def _with_loader(name: str, config: TrainConfig, rounds: int) -> list[object]:
    learner = make_train_state(config, HERE)
    n = max(rounds, N_LOADED)
    with tempfile.TemporaryDirectory() as folder:
        _write_photos(Path(folder), 4 * config.batch)
        loader = load_batches(open_source(Path(folder)), Views(config, clip_tokenizer()), config.batch)
        ready = [next(loader).batch for _ in range(2 * config.workers)]
        began = time.perf_counter()
        loaded = sum(len(next(loader).batch.keys) for _ in range(n)) / (time.perf_counter() - began)
        alone = [_timed_step(learner, batch) for batch in islice(cycle(ready), rounds)]
        waits, steps = [], []
        for _ in range(n):
            began = time.perf_counter()
            batch = next(loader).batch
            waits.append(time.perf_counter() - began)
            steps.append(_timed_step(learner, batch))
    together, size = sum(waits) + sum(steps), config.batch
    return [
        name, f"{loaded:.1f}", f"{size / median(alone):.1f}", f"{n * size / together:.1f}",
        f"{100 * sum(waits) / together:.0f} %",
    ]  # fmt: skip


def _timed_step(learner: TrainState, batch: Batch) -> float:
    began = time.perf_counter()
    training_step(learner, batch, lr=1e-4, ema_momentum=0.99)
    return time.perf_counter() - began


def _growth(rounds: int) -> Iterator[list[object]]:
    for size, n_local in ((16, 4), (32, 4), (64, 4), (128, 4), (64, 0), (64, 2), (64, 6), (64, 8)):
        config = replace(NETWORKS["tiny"], batch=size, n_local_images=n_local)
        views, ids = _made(config)
        batch = Batch.collate(tuple(map(str, range(size))), tuple(views), ids)
        learner = make_train_state(config, HERE)
        _timed_step(learner, batch)
        seconds = median(_timed_step(learner, batch) for _ in range(rounds))
        yield [size, n_local, f"{seconds:.2f}", f"{size / seconds:.0f}"]


def _made(config: TrainConfig) -> tuple[list[Tensor], Tensor]:
    """Random pixels, and captions as training cuts them."""
    size, side = config.batch, config.network.image_size
    generator = torch.Generator().manual_seed(0)
    sides = [side] * 2 + [config.local_side] * config.n_local_images
    views = [torch.randn(size, 3, side, side, generator=generator) for side in sides]
    with tempfile.TemporaryDirectory() as folder:
        _write_photos(Path(folder), size)
        source = open_source(Path(folder))
        cut = Views(replace(config, image_crops=False), clip_tokenizer())
        pairs = [pair for pair in source.pairs(Random(0), 0, 1) if isinstance(pair, Pair)]
        captions = [cut.sample_captions(pair, Random(i)) for i, pair in enumerate(pairs)]
        rows = [torch.from_numpy(clip_tokenizer()(texts)) for texts in captions]
    return views, torch.stack(rows)


def _write_photos(folder: Path, n: int) -> None:
    """Real photos of about half a megapixel again and again, each beside a scene's caption."""
    photos = folder / "photos"
    photos.mkdir()
    for name in PHOTOS:
        Image.fromarray(getattr(data, name)()).convert("RGB").save(photos / f"{name}.jpg", quality=90)
    for i, (name, scene) in enumerate(zip(cycle(PHOTOS), scenes(n, seed=0, held_out=False), strict=False)):
        (folder / f"{i:05}.jpg").symlink_to(photos / f"{name}.jpg")
        (folder / f"{i:05}.txt").write_text(scene.caption, encoding="utf-8")


if __name__ == "__main__":
    main()
