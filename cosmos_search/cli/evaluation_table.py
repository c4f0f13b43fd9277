"""The figures of an evaluation as a table for people."""

from collections.abc import Mapping
from pathlib import Path

from cosmos_search.cli.terminal import escape
from cosmos_search.evaluation.metrics import RECALL_AT
from cosmos_search.evaluation.report import Evaluation

__all__ = ["format_evaluation"]

DIRECTIONS = {"text_to_image": "text to image", "image_to_text": "image to text"}
METRICS = {  # of sets without recall, and pointing; others, such as categories of pairs, have their own names
    "text": "text score", "image": "image score", "group": "group score", "mean": "mean of the categories",
    "top1": "top-1 accuracy", "top5": "top-5 accuracy", "pointing": "pointing accuracy",
}  # fmt: skip
COLUMNS = {"global": "global vectors", "search": "search", "calibrated": "calibrated"}


def format_evaluation(found: Evaluation) -> str:
    """Figures in percent: as papers compute them, and beside them those through a search."""
    counts = ", ".join(f"{n:,} {what}" for what, n in found.figures.counts.items())
    split = f", split {found.dataset['split']}" if found.dataset["split"] else ""
    encoder = found.encoder
    lines = [
        f"{found.dataset['name']}: {counts} ({Path(found.dataset['source']).name}{split})",
        f"{encoder['name']} {encoder['version']} on {encoder['device']}; regions: {encoder['regions']}",
        "In percent. Global vectors: as in papers. Search: sentences with regions. Calibrated: less the",
        "level of each text, which matters where texts are compared.",
        "",
    ]
    sides = found.figures.sides
    return "\n".join([*lines, *(escape(line) for line in [*_format_recalls(sides), *_format_others(sides)])])


def _format_recalls(sides: Mapping[str, Mapping[str, float]]) -> list[str]:
    if not any(name.endswith("_R@1") for name in sides["global"]):
        return []
    depths = "".join(f"{'R@' + str(k):>6}" for k in RECALL_AT)
    lines = [f"{'':<13}" + "".join(f"  {title:>18}" for title in COLUMNS.values())]
    lines.append(f"{'':<13}" + f"  {depths}" * len(COLUMNS))
    for direction, label in DIRECTIONS.items():
        cells = ["".join(f"{100 * sides[name][f'{direction}_R@{k}']:6.1f}" for k in RECALL_AT) for name in COLUMNS]
        lines.append(f"{label:<13}" + "".join(f"  {cell}" for cell in cells))
    return lines


def _format_others(sides: Mapping[str, Mapping[str, float]]) -> list[str]:
    names = [name for name in sides["global"] if not name.startswith(tuple(DIRECTIONS))]
    if not names:
        return []
    labels = {name: METRICS.get(name, name) for name in names}
    width = max(map(len, labels.values()))
    lines = [f"{'':<{width}}" + "".join(f"  {title:>14}" for title in COLUMNS.values())]
    for name in names:
        cells = "".join(f"  {100 * sides[side][name]:14.1f}" for side in COLUMNS)
        lines.append(f"{labels[name]:<{width}}{cells}")
    return lines
