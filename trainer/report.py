"""What preparing, evaluation and presets look like in a terminal and as JSON."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from tqdm import tqdm

from indexer.files import read_file
from trainer.config import TrainConfig
from trainer.data.samples import SkippedSample
from trainer.data.shards import REFUSED, Prepared

__all__ = [
    "Evaluation",
    "evaluation_text",
    "evaluation_values",
    "prepared_bar",
    "prepared_text",
    "prepared_values",
    "presets_table",
    "run_text",
]

WAYS = {
    "caption_text_to_image": "caption → picture",
    "caption_image_to_text": "picture → caption",
    "sentence_text_to_image": "sentence → picture",
    "sentence_image_to_text": "picture → sentence",
}
FIGURES = ("R@1", "R@5", "R@10")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures by network ("student", "teacher"), as shares, 0..1; empty where they were not asked for."""

    checkpoint: str
    retrieval: Mapping[str, Mapping[str, float]]
    classification: Mapping[str, Mapping[str, float]]
    n_pairs: int
    refused: tuple[SkippedSample, ...]


@contextmanager
def prepared_bar() -> Iterator[Callable[[Prepared], None]]:
    """A bar at a terminal, and what keeps it going."""
    with tqdm(unit="pair", disable=None, dynamic_ncols=True) as bar:

        def shown(prepared: Prepared) -> None:
            bar.update(prepared.n_pairs + prepared.n_refused - bar.n)
            bar.set_postfix({"refused": prepared.n_refused, "GB": f"{prepared.n_bytes / 1e9:.2f}"}, refresh=False)

        yield shown


def run_text(last: Path) -> str:
    """What a run that ended at this checkpoint leaves, and what to do with it."""
    run = last.parent.parent
    n_refused = sum(json.loads(read_file(last / "state.json"))["n_refused"])
    lines = [f"Done: {last}"]
    if n_refused:
        lines.append(f"{n_refused} samples were of no use, each time they came; {run}/refused-*.jsonl names them.")
    lines.append(
        f"To use it: cosmos-search-train export {quote(str(run))} my-encoder/ && cosmos-search models add my-encoder/"
    )
    return "\n".join(lines)


def prepared_text(prepared: Prepared, out: Path) -> str:
    """What was written and why the rest was not, and how to train with it."""
    (mode,) = prepared.text_modes
    lines = [f"{prepared.n_pairs} pairs in {prepared.n_shards} shards, {prepared.n_bytes / 1e6:.1f} MB"]
    if prepared.n_refused:
        lines.append(f"{prepared.n_refused} refused, named in {out / REFUSED}:")
        lines += [f"  {n:>8}  {reason}" for reason, n in prepared.reasons.most_common(5)]
    lines.append(
        f'To train with it, a config with "text_mode": "{mode}": cosmos-search-train run --data {quote(str(out))} ...'
    )
    return "\n".join(lines)


def prepared_values(prepared: Prepared) -> dict[str, object]:
    """For JSON."""
    (mode,) = prepared.text_modes
    return {
        "pairs": prepared.n_pairs,
        "shards": prepared.n_shards,
        "bytes": prepared.n_bytes,
        "refused": prepared.n_refused,
        "reasons": dict(prepared.reasons),
        "text_mode": mode,
    }


def evaluation_values(found: Evaluation) -> dict[str, object]:
    """For JSON."""
    return {
        "checkpoint": found.checkpoint,
        "n_pairs": found.n_pairs,
        "refused": [{"key": one.key, "reason": one.reason} for one in found.refused],
        "retrieval": found.retrieval,
        "classification": found.classification,
    }


def evaluation_text(found: Evaluation) -> str:
    """A table in percent."""
    lines = [found.checkpoint]
    networks = list(found.retrieval or found.classification)
    width = 2 + max(map(len, WAYS.values()))
    if found.retrieval:
        lines.append(f"\n{found.n_pairs} pairs, in percent")
        for network in networks:
            lines.append(f"  {network:<{width}}" + "".join(f"{figure:>7}" for figure in FIGURES))
            figures = found.retrieval[network]
            for way, label in WAYS.items():
                cells = "".join(f"{100 * figures[f'{way}_{figure}']:7.1f}" for figure in FIGURES)
                lines.append(f"    {label:<{width - 2}}{cells}")
    if found.classification:
        lines.append("\nclassification by names alone, in percent")
        lines.append("  " + " " * width + f"{'top 1':>7}{'top 5':>7}")
        for network in networks:
            one, five = (100 * found.classification[network][key] for key in ("top1", "top5"))
            lines.append(f"  {network:<{width}}{one:7.1f}{five:7.1f}")
    if found.refused:
        first = found.refused[0]
        lines.append(f"\n{len(found.refused)} pairs were of no use; {first.key}: {first.reason}")
    return "\n".join(lines)


def presets_table(presets: Mapping[str, TrainConfig]) -> str:
    """One line each."""
    lines = [f"{'name':<18}{'network':<22}{'batch':>6}{'epochs':>8}{'lr':>9}{'momentum':>10}"]
    for name, config in presets.items():
        n = config.network
        network = f"ViT {n.vision_width}×{n.vision_layers} /{n.patch_size}, {n.image_size}px"
        length = f"{config.n_steps} st." if config.n_steps else str(config.n_epochs)
        lines.append(f"{name:<18}{network:<22}{config.batch:>6}{length:>8}{config.lr:>9g}{config.ema_momentum:>10g}")
    return "\n".join(lines)
