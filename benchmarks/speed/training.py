"""Images a second of a training step against a literal implementation, of loading, and by batch size; in one run.

    python -m benchmarks.speed.training [--networks tiny,b32] [--rounds 5] [--batch 64]

The views are those of each network's preset, the captions those of benchmarks/data/captioned_scenes.py. Loading is
measured with scikit-image's photos, a step with random pixels, which do not change its arithmetic. Rounds alternate
between our step and the literal one (benchmarks/speed/plain_step.py); the figures are medians.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter

import torch
from PIL import Image
from skimage import data
from torch import Tensor

from benchmarks.data.captioned_scenes import generate_scenes
from benchmarks.machine import describe_machine
from benchmarks.speed.plain_step import plain_step
from benchmarks.tables import print_table
from benchmarks.timing import measure_seconds
from cosmos_search.processing.text import clip_tokenizer
from trainer.config import TrainConfig
from trainer.data.batches import Views, load_batches
from trainer.data.samples import Pair, open_source
from trainer.method.step import TrainState, training_step
from trainer.method.student import Batch
from trainer.presets import PRESETS
from trainer.runs.distributed import Ranks
from trainer.runs.loop import make_train_state

HERE = Ranks(0, 1, torch.device("cpu"))
NETWORKS = {
    "tiny": replace(PRESETS["tiny"], seed=0),
    "b32": replace(PRESETS["cc3m-b32"], batch=16, precision="fp32", text_mode="sentences", workers=2, n_samples=0),
}
PHOTOS = ("astronaut", "cat", "coffee", "rocket", "brick", "grass")
N_LOADED = 8  # batches, after those that the workers prepared in advance


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default="tiny,b32")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, help="by default, that of each network's preset")
    options = parser.parse_args()
    print(describe_machine("torch", "transformers"), end="\n\n")
    chosen = {name: NETWORKS[name] for name in options.networks.split(",")}
    if options.batch is not None:
        chosen = {name: replace(config, batch=options.batch) for name, config in chosen.items()}
    print_table(
        ["network", "batch", "views", "ours, images/s", "plain, images/s", "ratio"],
        [_compare_with_plain_step(name, config, options.rounds) for name, config in chosen.items()],
    )
    print()
    print_table(
        ["network", "loader alone, images/s", "step alone, images/s", "together, images/s", "share spent waiting"],
        [_measure_with_loader(name, config, options.rounds) for name, config in chosen.items()],
    )
    print()
    print_table(
        ["tiny, batch", "local crops", "s a step", "images/s"],
        list(_measure_growth(options.batch or NETWORKS["tiny"].batch, options.rounds)),
    )


def _compare_with_plain_step(name: str, config: TrainConfig, rounds: int) -> list[object]:
    """One row; asserts that both steps compute the same losses."""
    views, ids = _make_views_and_captions(config)
    batch = Batch.collate(tuple(map(str, range(config.batch))), tuple(views), ids)
    ours, plain = make_train_state(config, HERE), make_train_state(config, HERE)
    losses = training_step(ours, batch, lr=0.0, ema_momentum=0.99)
    clip, distill = plain_step(plain, views, ids, momentum=0.99)
    assert abs(losses.clip.item() - clip) < 1e-3, "not the same L_CLIP"
    assert abs(losses.distill.item() - distill) < 1e-3, "not the same L_COSMOS"
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        seconds[0].append(_measure_step(ours, batch))
        seconds[1].append(measure_seconds(lambda: plain_step(plain, views, ids, momentum=0.99)))
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


def _measure_with_loader(name: str, config: TrainConfig, rounds: int) -> list[object]:
    """One row: the loader alone, the step alone, both together, and the share of time spent waiting for batches."""
    state = make_train_state(config, HERE)
    n = max(rounds, N_LOADED)
    with tempfile.TemporaryDirectory() as folder:
        _write_photos(Path(folder), 4 * config.batch)
        loader = load_batches(open_source(Path(folder)), Views(config, clip_tokenizer()), config.batch)
        ready = [next(loader).batch for _ in range(2 * config.workers)]
        loaded = n * config.batch / measure_seconds(lambda: [next(loader) for _ in range(n)])
        alone = [_measure_step(state, batch) for batch in islice(cycle(ready), rounds)]
        waits, steps = [], []
        for _ in range(n):
            started = perf_counter()
            batch = next(loader).batch
            waits.append(perf_counter() - started)
            steps.append(_measure_step(state, batch))
    together, size = sum(waits) + sum(steps), config.batch
    return [
        name, f"{loaded:.1f}", f"{size / median(alone):.1f}", f"{n * size / together:.1f}",
        f"{100 * sum(waits) / together:.0f} %",
    ]  # fmt: skip


def _measure_step(state: TrainState, batch: Batch) -> float:
    """Seconds."""
    return measure_seconds(lambda: training_step(state, batch, lr=1e-4, ema_momentum=0.99))


def _measure_growth(batch_size: int, rounds: int) -> Iterator[list[object]]:
    """Rows for the network tiny, by batch size and number of local crops."""
    n_local_crops = (0, 2, 6, 8)
    sizes = [(batch_size * 2**i // 4, 4) for i in range(4)] + [(batch_size, n) for n in n_local_crops]
    for size, n_local in sizes:
        config = replace(NETWORKS["tiny"], batch=size, n_local_images=n_local)
        views, ids = _make_views_and_captions(config)
        batch = Batch.collate(tuple(map(str, range(size))), tuple(views), ids)
        state = make_train_state(config, HERE)
        _measure_step(state, batch)
        seconds = median(_measure_step(state, batch) for _ in range(rounds))
        yield [size, n_local, f"{seconds:.2f}", f"{size / seconds:.0f}"]


def _make_views_and_captions(config: TrainConfig) -> tuple[list[Tensor], Tensor]:
    """Random pixels, and the token ids of sampled caption crops: (batch, captions, context)."""
    size, side = config.batch, config.cosmos_network.image_size
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
    """Write n links to photos of about half a megapixel, each with the caption of a scene."""
    photos = folder / "photos"
    photos.mkdir()
    for name in PHOTOS:
        Image.fromarray(getattr(data, name)()).convert("RGB").save(photos / f"{name}.jpg", quality=90)
    for i, (name, scene) in enumerate(zip(cycle(PHOTOS), generate_scenes(n, seed=0, held_out=False), strict=False)):
        (folder / f"{i:05}.jpg").symlink_to(photos / f"{name}.jpg")
        (folder / f"{i:05}.txt").write_text(scene.caption, encoding="utf-8")


if __name__ == "__main__":
    main()
