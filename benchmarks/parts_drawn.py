"""The figures of docs/experiment.md: what each variant reaches, and where a trained encoder looks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.captioned import Scene, paint
from benchmarks.parts import Figures, attention_map
from cosmos_search.model import CosmosModel
from cosmos_search.tokenizer import TextTokenizer
from trainer.views import normalised

__all__ = ["draw_attention", "draw_figures"]

CHANCE = {"colours": 0.5, "relations": 0.5, "dense": 1 / 9, "crops": 1 / 9, "attention": 1 / 9}
N_SCENES, N_SENTENCES = 4, 4


def draw_figures(
    found: Mapping[tuple[str, int], Figures], labels: Mapping[str, str], measured: Mapping[str, str], path: Path
) -> None:
    """Bars by measure, one for each variant, with the deviation over seeds; a dotted line is chance."""
    seeds = sorted({seed for _, seed in found})
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(labels)
    for i, (name, label) in enumerate(labels.items()):
        values = np.array([[getattr(found[name, seed], field) for field in measured] for seed in seeds])
        places = np.arange(len(measured)) + (i - (len(labels) - 1) / 2) * width
        errors = [stdev(column) for column in values.T.tolist()]
        axes.bar(places, [mean(column) for column in values.T.tolist()], width, yerr=errors, label=f"({name}) {label}")
    for i, field in enumerate(measured):
        if field in CHANCE:
            axes.hlines(CHANCE[field], i - 0.45, i + 0.45, colors="black", linestyles="dotted")
    axes.set_xticks(
        range(len(measured)), [text.replace(": ", ":\n").replace(" R@1", "\nR@1") for text in measured.values()]
    )
    axes.set_ylim(0, 1)
    axes.set_ylabel("share right")
    axes.legend(frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    FigureCanvasAgg(figure).print_figure(path, dpi=110)


@torch.inference_mode()
def draw_attention(model: CosmosModel, tokenizer: TextTokenizer, scenes: Sequence[Scene], path: Path) -> None:
    """Scenes of three single things in rows: the picture, then what each of its sentences looks at."""
    chosen = [scene for scene in scenes if len(scene.groups) == 3 and all(len(g.cells) == 1 for g in scene.groups)]
    figure = Figure(figsize=(11, 9.2), layout="constrained")
    axes = figure.subplots(N_SCENES, 1 + N_SENTENCES)
    for row, scene in zip(axes, chosen, strict=False):
        picture = paint(scene)
        sentences = sorted(s for s in scene.sentences if s.startswith("there is a"))[: N_SENTENCES - 1]
        sentences.append(next(s for s in scene.sentences if s.startswith("the background")))
        row[0].imshow(picture)
        row[0].set_title("", fontsize=9)
        for panel, sentence in zip(row[1:], sentences, strict=True):
            panel.imshow(picture)
            panel.imshow(_map(model, tokenizer, picture, sentence), cmap="inferno", alpha=0.6, vmin=0, vmax=1)
            panel.set_title(sentence.removeprefix("there is "), fontsize=9)
        for panel in row:
            panel.axis("off")
    FigureCanvasAgg(figure).print_figure(path, dpi=100)


def _map(model: CosmosModel, tokenizer: TextTokenizer, picture: Image.Image, sentence: str) -> np.ndarray:
    """From 0 to 1, smoothly scaled to the picture."""
    side = model.config.image_size
    pixels = normalised(picture.resize((side, side), Image.Resampling.BICUBIC))[None]
    weights = attention_map(model, torch.from_numpy(tokenizer([sentence])), pixels)[0]
    grid = (weights - weights.min()) / (weights.max() - weights.min())
    small = Image.fromarray(grid.reshape(side // model.config.patch_size, -1).numpy())
    return np.asarray(small.resize(picture.size, Image.Resampling.BICUBIC))
