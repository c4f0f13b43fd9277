"""The figures of docs/experiment.md: measures of each variant, and attention maps of a trained network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from textwrap import fill

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.data.captioned_scenes import Scene, paint, state_existence
from benchmarks.parts.measure import Figures
from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.processing.text import TextTokenizer
from trainer.attention_sheet import draw_attention_sheet

__all__ = ["draw_attention", "draw_figures"]

CHANCE = {"colours": 0.5, "relations": 0.5, "dense": 1 / 4, "crops": 1 / 4, "attention": 1 / 4, "elsewhere": 1 / 4}
N_SCENES = 4


def draw_figures(
    results: Mapping[tuple[str, int], Figures], labels: Mapping[str, str], measures: Mapping[str, str], path: Path
) -> None:
    """Draw a bar for each measure and variant, with the standard deviation over seeds; a dotted line is chance.

    results: by variant and seed. labels: by variant. measures: labels by the field of Figures.
    """
    seeds = sorted({seed for _, seed in results})
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(labels)
    for i, (name, label) in enumerate(labels.items()):
        values = np.array([[getattr(results[name, seed], field) for field in measures] for seed in seeds])
        places = np.arange(len(measures)) + (i - (len(labels) - 1) / 2) * width
        errors = [stdev(column) if len(column) > 1 else 0.0 for column in values.T.tolist()]
        axes.bar(places, [mean(column) for column in values.T.tolist()], width, yerr=errors, label=f"({name}) {label}")
    for i, field in enumerate(measures):
        if field in CHANCE:
            axes.hlines(CHANCE[field], i - 0.45, i + 0.45, colors="black", linestyles="dotted")
    axes.set_xticks(range(len(measures)), [fill(text, 12) for text in measures.values()], fontsize=9)
    axes.set_ylim(0, 1)
    axes.set_ylabel("share correct")
    axes.legend(frameon=False, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    FigureCanvasAgg(figure).print_figure(path, dpi=110)


def draw_attention(model: CosmosModel, tokenizer: TextTokenizer, scenes: Sequence[Scene], path: Path) -> None:
    """Draw a row for each scene of two kinds: the picture, and the attention for each kind and for the background."""
    rows = []
    for scene in [scene for scene in scenes if len(scene.groups) == 2][:N_SCENES]:
        texts = [*(state_existence(group, n=1) for group in scene.groups), f"a background of {scene.background}"]
        rows.append(draw_attention_sheet(model, tokenizer, paint(scene), texts))
    sheet = Image.new("RGB", (rows[0].width, sum(row.height for row in rows)))
    for i, row in enumerate(rows):
        sheet.paste(row, (0, i * row.height))
    sheet.save(path)
