"""An ablation of COSMOS with small networks on a CPU: CLIP on whole captions, and what each part of COSMOS adds.

    python -m benchmarks.parts.run .experiment      # or: make experiment; about two hours on two cores
    python -m benchmarks.parts.run .experiment/longer --steps 1600 --variants bd --seeds 0

Trains each variant with each seed on the same captioned scenes (benchmarks/data/captioned_scenes.py), two runs at a
time with one thread each, and measures the teachers on held-out scenes (benchmarks/parts/measure.py). Run again, it
resumes unfinished runs and reuses finished ones. Prints the table of docs/experiment.md; writes its figures to FOLDER.
"""

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, fields, replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, median, stdev

import torch

from benchmarks.data.captioned_scenes import Scene, generate_scenes, write_folder
from benchmarks.machine import describe_machine
from benchmarks.parts.figures import draw_attention, draw_figures
from benchmarks.parts.measure import Figures, measure
from benchmarks.tables import print_table
from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.processing.text import clip_tokenizer
from indexer.errors import UsageError
from trainer.config import TrainConfig
from trainer.data.samples import open_source
from trainer.presets import PRESETS
from trainer.runs.checkpoints import load_student_and_teacher
from trainer.runs.folder import RunFolder
from trainer.runs.loop import resume, train

N_TRAINING, N_HELD_OUT = 12_000, 500
SEEDS = (0, 1, 2)
STEPS = 800

_SMALL = PRESETS["tiny"]
BASE = replace(
    _SMALL,
    network=replace(_SMALL.cosmos_network, image_size=48, text_layers=2, context_length=48),  # 36 patches
    local_side=24,
    batch=64,
    warmup=100,
    lr=1e-3,
    workers=0,
    keep_last=1,
    augment=False,  # captions name colours and sides, which the augmentations of the paper change
)
CLIP_BASELINE = replace(
    BASE, image_crops=False, image_distillation=False, text_crops=False, text_distillation=False, cross_attention=False
)
VARIANTS: dict[str, tuple[str, TrainConfig]] = {
    "a": ("CLIP on whole captions", CLIP_BASELINE),
    "b": ("+ text crops", replace(CLIP_BASELINE, text_crops=True)),
    "c": ("+ image crops, self-distillation", replace(BASE, cross_attention=False)),
    "d": ("+ cross-attention: COSMOS", BASE),
    "e": ("COSMOS, crops flipped, blurred and recoloured", replace(BASE, augment=True)),
}
MEASURES = {
    "whole": "whole caption R@1",
    "sentence": "sentence R@1",
    "regions": "sentences × regions R@1",
    "colours": "colours exchanged",
    "relations": "places exchanged",
    "dense": "pointing: dense map",
    "crops": "pointing: regions",
    "attention": "pointing: attention",
    "elsewhere": "attention on the other object",
}


def main() -> None:
    """Train, measure, print the table and draw the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of data, runs and figures")
    parser.add_argument("--scenes", type=int, default=N_TRAINING, help="number of scenes to train on")
    parser.add_argument("--held-out", type=int, default=N_HELD_OUT, help="number of scenes to measure on")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--jobs", type=int, default=2, help="number of parallel runs")
    parser.add_argument("--variants", default="".join(VARIANTS), help="letters of the variants")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    options = parser.parse_args()
    data = options.folder / "scenes"
    if not data.exists():
        draft = data.with_suffix(".partial")
        write_folder(generate_scenes(options.scenes, seed=0, held_out=False), draft)
        draft.rename(data)
    runs = {(name, seed): options.folder / f"{name}-{seed}" for seed, name in product(options.seeds, options.variants)}
    jobs = [(name, seed, run, data, options.steps) for (name, seed), run in runs.items()]
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        list(pool.map(_train_or_resume, *zip(*jobs, strict=True)))
    held_out = list(generate_scenes(options.held_out, seed=1, held_out=True))
    results = {key: _load_or_measure(run, held_out) for key, run in runs.items()}
    print(f"{describe_machine('torch')}; {options.steps} steps of {BASE.batch}, {len(held_out)} held-out scenes\n")
    _print_table(results, runs)
    labels = {name: VARIANTS[name][0] for name in options.variants}
    draw_figures(results, labels, MEASURES, options.folder / "parts.png")
    if "d" in options.variants:
        teacher = _load_teacher(runs["d", options.seeds[0]])
        draw_attention(
            teacher, clip_tokenizer(BASE.cosmos_network.context_length), held_out, options.folder / "attention.png"
        )


def _train_or_resume(name: str, seed: int, run: Path, data: Path, steps: int) -> None:
    """Start a run, or resume it from its last checkpoint."""
    torch.set_num_threads(1)
    config = replace(VARIANTS[name][1], seed=seed, n_steps=steps, save_every=max(1, steps // 5))
    source, tokenizer = open_source(data), clip_tokenizer(BASE.cosmos_network.context_length)
    folder = RunFolder(run)
    if folder.checkpoints() and folder.read_config() != config:
        raise UsageError(f"{run} was trained with a different config; choose another folder.")
    if not folder.checkpoints():
        train(config, source, tokenizer, run)
    elif folder.checkpoints()[-1] != folder.checkpoint(steps):
        resume(run, source, tokenizer)


def _load_or_measure(run: Path, held_out: Sequence[Scene]) -> Figures:
    """The figures of a run, which are stored in its folder."""
    file = run / "figures.json"
    if not file.exists():
        figures = measure(_load_teacher(run), clip_tokenizer(BASE.cosmos_network.context_length), held_out)
        file.write_text(json.dumps(asdict(figures)), encoding="utf-8")
    return Figures(**json.loads(file.read_text(encoding="utf-8")))


def _load_teacher(run: Path) -> CosmosModel:
    student, teacher = (CosmosModel(BASE.cosmos_network).eval() for _ in range(2))
    load_student_and_teacher(RunFolder(run).checkpoints()[-1], student, teacher)
    return teacher


def _print_table(results: dict[tuple[str, int], Figures], runs: dict[tuple[str, int], Path]) -> None:
    rows = []
    for name in dict.fromkeys(name for name, _ in runs):
        label, seeds = VARIANTS[name][0], [seed for known, seed in runs if known == name]
        figures = [results[name, seed] for seed in seeds]
        cells = [_format_mean([getattr(one, field.name) for one in figures]) for field in fields(Figures)]
        rows.append([f"({name}) {label}", *cells, f"{median(_read_speeds([runs[name, seed] for seed in seeds])):.0f}"])
    print_table(["", *MEASURES.values(), "images/s"], rows)


def _format_mean(values: Sequence[float]) -> str:
    """Mean and standard deviation."""
    return f"{mean(values):.2f} ± {stdev(values):.2f}" if len(values) > 1 else f"{values[0]:.2f}"


def _read_speeds(runs: Sequence[Path]) -> list[float]:
    """Images a second at each step, of one thread beside another run: comparable only with each other."""
    return [line["images_per_s"] for run in runs for line in RunFolder(run).read_metrics()]


if __name__ == "__main__":
    main()
