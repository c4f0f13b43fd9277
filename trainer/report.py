"""Formatting of results for the terminal and for JSON: prepared shards, finished runs, evaluations, presets."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from cosmos_search.network.mini import MiniNetworkConfig
from indexer.plural import count
from trainer.config import TrainConfig
from trainer.data.shards import REFUSED, Prepared
from trainer.evaluate import Evaluation
from trainer.runs.folder import RunFolder

__all__ = [
    "format_evaluation",
    "format_prepared",
    "format_presets",
    "format_run",
    "list_evaluation",
    "list_prepared",
    "show_prepare_progress",
]

DIRECTIONS = {
    "caption_text_to_image": "caption → picture",
    "caption_image_to_text": "picture → caption",
    "sentence_text_to_image": "sentence → picture",
    "sentence_image_to_text": "picture → sentence",
}
FIGURES = ("R@1", "R@5", "R@10")


@contextmanager
def show_prepare_progress() -> Iterator[Callable[[Prepared], None]]:
    """Show a progress bar on a terminal; yields the callback that updates it."""
    with tqdm(unit="pair", disable=None, dynamic_ncols=True) as bar:

        def update(prepared: Prepared) -> None:
            bar.update(prepared.n_pairs + prepared.n_skipped - bar.n)
            bar.set_postfix({"refused": prepared.n_skipped, "GB": f"{prepared.n_bytes / 1e9:.2f}"}, refresh=False)

        yield update


def format_run(run: RunFolder) -> str:
    """The last checkpoint of a run, and how many samples were skipped."""
    last = run.checkpoints()[-1]
    lines = [f"Done: {last.path}"]
    if n_skipped := sum(last.read_progress().n_skipped):
        lines.append(
            f"{count(n_skipped, 'sample')} skipped (a sample counts each time that it is read), named in "
            f"{run.skipped_files}."
        )
    return "\n".join(lines)


def format_prepared(prepared: Prepared, out: Path) -> str:
    """How much was written, and the most frequent reasons why pairs were skipped."""
    pairs, shards = count(prepared.n_pairs, "pair"), count(prepared.n_shards, "shard")
    lines = [f"{pairs} in {shards}, {prepared.n_bytes / 1e6:.1f} MB"]
    if prepared.n_skipped:
        lines.append(f"{prepared.n_skipped} refused, named in {out / REFUSED}:")
        lines += [f"  {n:>8}  {reason}" for reason, n in prepared.reasons.most_common(5)]
    return "\n".join(lines)


def list_prepared(prepared: Prepared) -> dict[str, object]:
    """The values of a Prepared for JSON."""
    (mode,) = prepared.text_modes
    return {
        "pairs": prepared.n_pairs,
        "shards": prepared.n_shards,
        "bytes": prepared.n_bytes,
        "refused": prepared.n_skipped,
        "reasons": dict(prepared.reasons),
        "text_mode": mode,
    }


def list_evaluation(found: Evaluation) -> dict[str, object]:
    """The values of an Evaluation for JSON."""
    return {
        "checkpoint": found.checkpoint,
        "n_pairs": found.n_pairs,
        "refused": [{"key": one.key, "reason": one.reason} for one in found.skipped],
        "retrieval": found.retrieval,
        "classification": found.classification,
    }


def format_evaluation(found: Evaluation) -> str:
    """Tables of figures in percent."""
    lines = [found.checkpoint]
    networks = list(found.retrieval or found.classification)
    width = 2 + max(map(len, DIRECTIONS.values()))
    if found.retrieval:
        lines.append(f"\n{count(found.n_pairs, 'pair')}, in percent")
        for network in networks:
            lines.append(f"  {network:<{width}}" + "".join(f"{figure:>7}" for figure in FIGURES))
            figures = found.retrieval[network]
            for direction, label in DIRECTIONS.items():
                cells = "".join(f"{100 * figures[f'{direction}_{figure}']:7.1f}" for figure in FIGURES)
                lines.append(f"    {label:<{width - 2}}{cells}")
    if found.classification:
        lines.append("\nzero-shot classification, in percent")
        lines.append("  " + " " * width + f"{'top 1':>7}{'top 5':>7}")
        for network in networks:
            one, five = (100 * found.classification[network][key] for key in ("top1", "top5"))
            lines.append(f"  {network:<{width}}{one:7.1f}{five:7.1f}")
    if found.skipped:
        first = found.skipped[0]
        lines.append(f"\n{count(len(found.skipped), 'pair')} skipped; {first.key}: {first.reason}")
    return "\n".join(lines)


def format_presets(presets: Mapping[str, TrainConfig]) -> str:
    """A table with one preset a line."""
    lines = [f"{'name':<18}{'network':<22}{'batch':>6}{'epochs':>8}{'lr':>9}{'momentum':>10}"]
    for name, config in presets.items():
        n = config.network
        if isinstance(n, MiniNetworkConfig):
            network = f"cosmos-mini, block {n.first_block} on" if n.train_blocks else "cosmos-mini, head"
        else:
            network = f"ViT {n.vision_width}×{n.vision_layers} /{n.patch_size}, {n.image_size}px"
        length = f"{config.n_steps} st." if config.n_steps else str(config.n_epochs)
        lines.append(f"{name:<18}{network:<22}{config.batch:>6}{length:>8}{config.lr:>9g}{config.ema_momentum:>10g}")
    return "\n".join(lines)
