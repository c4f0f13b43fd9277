"""An ablation of COSMOS on captioned photos: CLIP on whole pictures, and what each part of COSMOS adds.

    python -m benchmarks.quality.ablation FOLDER --data flickr8k-train.tar --val flickr8k-dev.tar

Trains the built-in encoder's head with each variant and seed, then continues with its last blocks (the presets
mini-head and mini-finetune), and measures the teachers on held-out photos and on benchmarks/data/scenes.py. All
variants see the same photos equally often. Run again, it resumes unfinished runs and reuses finished ones. Prints the
tables of docs/experiment.md.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from trainer.config import PRESETS, TrainConfig
from trainer.runs.folder import RunFolder
from trainer.runs.launch import Sources, resume_run, start_run

SEEDS = (0, 1, 2)
VARIANTS = {
    "a": "CLIP on whole pictures",
    "b": "+ text crops",
    "c": "+ image crops, self-distillation",
    "d": "+ cross-attention: COSMOS",
}
STAGES = {"head": "mini-head", "finetune": "mini-finetune"}  # presets


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
    for stage in options.stages:
        for seed in options.seeds:
            for variant in options.variants:
                train_variant(options.folder, stage, variant, seed, options.data)


def train_variant(folder: Path, stage: str, variant: str, seed: int, data: str) -> Path:
    """Train, or resume if it was interrupted; returns the folder of the finished run."""
    run = folder / f"{stage}-{variant}-{seed}"
    if RunFolder(run).checkpoints():
        resume_run(run, data=data)
        return run
    init = None if stage == "head" else str(folder / f"head-{variant}-{seed}")
    start_run(make_config(stage, variant, seed), Sources(data), run, init=init)
    return run


def make_config(stage: str, variant: str, seed: int) -> TrainConfig:
    """The preset of the stage with the parts of the method that the variant has."""
    config = replace(PRESETS[STAGES[stage]], seed=seed, keep_last=1)
    if variant in "cd":
        return replace(
            config,
            image_crops=True,
            image_distillation=True,
            text_distillation=True,
            cross_attention=variant == "d",
        )
    return replace(
        config,
        image_crops=False,
        image_distillation=False,
        text_crops=variant == "b",
        text_distillation=False,
        cross_attention=False,
    )


if __name__ == "__main__":
    main()
