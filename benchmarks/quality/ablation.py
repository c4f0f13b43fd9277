"""An ablation of COSMOS on captioned photos: CLIP on whole pictures, and what each part of COSMOS adds.

    python -m benchmarks.quality.ablation FOLDER --data flickr8k-train.tar --val flickr8k-dev.tar

Trains the built-in encoder's head with each variant and seed, then continues with its last blocks (the presets
mini-head and mini-finetune), and measures the teachers on held-out photos and on benchmarks/data/scenes.py. All
variants see the same photos equally often. Run again, it resumes unfinished runs and reuses finished ones. Prints the
tables of docs/experiment.md.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch

from benchmarks.data.scenes import SceneSet, make_scenes
from benchmarks.machine import describe_machine
from benchmarks.quality.scenes import measure_scenes
from benchmarks.tables import print_table
from cosmos_search.encoders.mini.encoder import MiniEncoder
from cosmos_search.evaluation.metrics import compute_cosines, compute_retrieval_metrics
from cosmos_search.models.trained import TRAINED_FILE
from cosmos_search.network.mini import MiniNetworkConfig
from trainer.config import TrainConfig
from trainer.data.features import FeatureCache
from trainer.presets import PRESETS
from trainer.runs.checkpoints import choose_checkpoint, load_networks
from trainer.runs.export import export
from trainer.runs.folder import RunFolder
from trainer.runs.frozen import encode_whole_pictures, open_held_out_features
from trainer.runs.launch import Sources, resume_run, start_run

SEEDS = (0, 1, 2)
N_SCENES = 120  # originals; each has two variants
DISTILLATION = ("image_distillation", "text_distillation")
PARTS = ("text_crops", "image_crops", *DISTILLATION, "cross_attention")
VARIANTS = {
    "a": ("CLIP on whole pictures", ()),
    "b": ("+ text crops", ("text_crops",)),
    "c": ("+ image crops, self-distillation", ("text_crops", "image_crops", *DISTILLATION)),
    "d": ("+ cross-attention: COSMOS", ("text_crops", "image_crops", *DISTILLATION, "cross_attention")),
    "e": ("(b) + image crops, without distillation", ("text_crops", "image_crops")),
}
STAGES = {"head": ("mini-head", 20), "finetune": ("mini-finetune", 3)}  # presets and epochs
COLUMNS = {
    "caption to photo": "single_text_to_image",
    "photo to caption": "single_image_to_text",
    "all captions to photo": "joined_text_to_image",
    "photo to all captions": "joined_image_to_text",
}


def main() -> None:
    """Train, measure, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the runs")
    parser.add_argument("--data", required=True, help="captioned photos to train with")
    parser.add_argument("--val", type=Path, required=True, help="held-out captioned photos")
    parser.add_argument("--variants", default="".join(VARIANTS), help="letters of the variants")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--stages", choices=STAGES, nargs="+", default=list(STAGES))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.folder.mkdir(parents=True, exist_ok=True)
    for stage, seed, variant in product(options.stages, options.seeds, options.variants):
        train_variant(options.folder, stage, variant, seed, options.data)
    cache = open_held_out_features(PRESETS["mini-head"], options.val)
    pictures = options.folder / "scenes"
    scenes = make_scenes(pictures, N_SCENES)
    print(describe_machine("torch"))
    for stage in options.stages:
        figures = {
            variant: [measure(options.folder / f"{stage}-{variant}-{seed}", cache, scenes) for seed in options.seeds]
            for variant in options.variants
        }
        print_stage(stage, figures)


def train_variant(folder: Path, stage: str, variant: str, seed: int, data: str) -> None:
    """Train, or resume if it was interrupted; a finished run is left as it is."""
    run = folder / f"{stage}-{variant}-{seed}"
    if RunFolder(run).checkpoints():
        resume_run(run, data=data)
        return
    init = None if stage == "head" else str(folder / f"head-{variant}-{seed}")
    start_run(make_config(stage, variant, seed), Sources(data), run, init=init)


def make_config(stage: str, variant: str, seed: int) -> TrainConfig:
    """The preset of the stage with the parts of the method that the variant has."""
    name, n_epochs = STAGES[stage]
    preset = PRESETS[name]
    assert isinstance(preset.network, MiniNetworkConfig), preset
    parts: dict[str, Any] = {part: part in VARIANTS[variant][1] for part in PARTS}
    return replace(
        preset,
        network=replace(preset.network, head_classes=0.0),  # it acts on each view, of which variants have more or fewer
        n_epochs=n_epochs,
        seed=seed,
        keep_last=1,
        n_local_images=2,
        **parts,
    )


def measure(run: Path, cache: FeatureCache, scenes: SceneSet) -> dict[str, float]:
    """Figures of the teacher after the last step; kept in a file beside the run, since scenes take a minute."""
    file = run.with_suffix(".json")
    if file.exists():
        kept: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
        return kept
    teacher = load_networks(RunFolder(run), choose_checkpoint(RunFolder(run), "last"))["teacher"]
    captions_of = np.split(np.arange(sum(len(s.single) for s in cache)), np.cumsum([len(s.single) for s in cache])[:-1])
    vectors = torch.cat([sample.single for sample in cache]).numpy()
    single = compute_cosines(encode_whole_pictures(teacher, cache), vectors)  # (photos, captions)
    joined = np.stack([single[:, columns].mean(axis=1) for columns in captions_of], axis=1)  # a query of several
    figures: dict[str, float] = {}
    own = {i: columns.tolist() for i, columns in enumerate(captions_of)}
    for name, scores, columns in (("single", single, own), ("joined", joined, {i: [i] for i in own})):
        figures |= {f"{name}_{key}": value for key, value in compute_retrieval_metrics(scores, columns).items()}
    exported = run.with_suffix(".exported")
    if not exported.exists():
        export(run, exported, which="last")
    encoder = MiniEncoder(trained=exported / TRAINED_FILE)
    figures["scenes"], figures["pointing"] = measure_scenes(encoder, scenes, run.parent / "scenes")
    file.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    return figures


def print_stage(stage: str, figures: dict[str, list[dict[str, float]]]) -> None:
    """A table with one variant a row: R@1 / R@5 / R@10, mean and standard deviation over the seeds."""
    name, n_epochs = STAGES[stage]
    print(f"\n{name}, {n_epochs} epochs\n")
    rows = []
    for variant, by_seed in figures.items():
        cells = [
            " / ".join(summarize([one[f"{key}_R@{k}"] for one in by_seed]) for k in (1, 5, 10))
            for key in COLUMNS.values()
        ]
        cells += [summarize([one[key] for one in by_seed]) for key in ("scenes", "pointing")]
        rows.append([f"({variant}) {VARIANTS[variant][0]}", *cells])
    print_table(["R@1 / R@5 / R@10", *COLUMNS, "scenes of 3 or more, R@1", "pointing"], rows)


def summarize(values: Sequence[float]) -> str:
    """Mean ± standard deviation."""
    return f"{mean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")


if __name__ == "__main__":
    main()
