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
COLUMNS = ("global vectors", "search")


def format_evaluation(found: Evaluation) -> str:
    """Figures in percent: as papers compute them, and beside them those through a search."""
    counts = ", ".join(f"{n:,} {what}" for what, n in found.figures.counts.items())
    split = f", split {found.dataset['split']}" if found.dataset["split"] else ""
    encoder = found.encoder
    lines = [
        f"{found.dataset['name']}: {counts} ({Path(found.dataset['source']).name}{split})",
        f"{encoder['name']} {encoder['version']} on {encoder['device']}; regions: {encoder['regions']}",
        "In percent. Global vectors: as in papers. Search: sentences with regions, calibrated.",
        "",
    ]
    sides = (found.figures.global_vectors, found.figures.search)
    lines += [escape(line) for line in [*_format_recalls(*sides), *_format_others(*sides)]]
    return "\n".join(lines)


def _format_recalls(papers: Mapping[str, float], search: Mapping[str, float]) -> list[str]:
    if not any(name.endswith("_R@1") for name in papers):
        return []
    titles = "".join(f"  {title:>21}" for title in COLUMNS)
    depths = "".join(f"{'R@' + str(k):>7}" for k in RECALL_AT)
    lines = [f"{'':<15}{titles}", f"{'':<15}  {depths}  {depths}"]
    for direction, label in DIRECTIONS.items():
        cells = ["".join(f"{100 * side[f'{direction}_R@{k}']:7.1f}" for k in RECALL_AT) for side in (papers, search)]
        lines.append(f"{label:<15}  {cells[0]}  {cells[1]}")
    return lines


def _format_others(papers: Mapping[str, float], search: Mapping[str, float]) -> list[str]:
    names = [name for name in papers if not name.startswith(tuple(DIRECTIONS))]
    if not names:
        return []
    labels = {name: METRICS.get(name, name) for name in names}
    width = max(map(len, labels.values()))
    titles = "".join(f"  {title:>14}" for title in COLUMNS)
    lines = [f"{'':<{width}}{titles}"]
    lines += [f"{labels[name]:<{width}}  {100 * papers[name]:14.1f}  {100 * search[name]:14.1f}" for name in names]
    return lines
