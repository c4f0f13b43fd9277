"""The command `evaluate`: figures of an encoder on public test sets."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosmos_search.cli.group import TEXT, UserPath
from cosmos_search.cli.terminal import json_line, say
from cosmos_search.encoders.devices import DEVICES, PRECISIONS, Device, Precision
from cosmos_search.evaluation.datasets.origins import NAMES, ORIGINS, Name
from indexer.pictures.regions import REGIONS, Regions

if TYPE_CHECKING:
    from cosmos_search.evaluation.measure import StartPhase

__all__ = ["evaluate"]


@click.command(context_settings={"show_default": True}, short_help="Measure an encoder on a public test set.")
@click.argument("name", metavar="SET", type=click.Choice(NAMES))
@click.argument("source", type=UserPath())
@click.option("--images", type=UserPath(), metavar="DIR", help="Folder of the pictures, if they are not beside SOURCE.")
@click.option(
    "--split",
    type=TEXT,
    metavar="WHICH",
    help="Part of the set; by default the one of papers (test). For captions one a line: a file with the names of "
    "the pictures; for sharegpt4v: the number of the first entries.",
)
@click.option("--model", type=TEXT, metavar="NAME", help="An installed encoder; by default that of new indexes.")
@click.option("--device", type=click.Choice(DEVICES), default="auto", help="Where the encoder runs.")
@click.option("--precision", type=click.Choice(PRECISIONS), default="auto", help="Number format of the encoder.")
@click.option("--regions", type=click.Choice(REGIONS), help="Regions of a picture; by default those of the encoder.")
@click.option("--limit", type=click.IntRange(min=1), help="Only so many pictures or pairs, drawn at random.")
@click.option("--seed", default=0, help="Of the draw of --limit.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with all that is needed to repeat it.")
def evaluate(
    name: Name,
    source: Path,
    images: Path | None,
    split: str | None,
    model: str | None,
    device: Device,
    precision: Precision,
    regions: Regions | None,
    limit: int | None,
    seed: int,
    as_json: bool,
) -> None:
    from cosmos_search.cli.evaluation_table import format_evaluation
    from cosmos_search.encoders.load import load_encoder
    from cosmos_search.evaluation.report import evaluate_dataset
    from cosmos_search.models.store import default_model

    encoder = load_encoder(model or default_model(), device, precision)
    with _show_progress() as start_phase:
        found = evaluate_dataset(
            name,
            source,
            encoder,
            images=images,
            split=split,
            regions=regions,
            limit=limit,
            seed=seed,
            start_phase=start_phase,
        )
    if not as_json:
        say(format_evaluation(found))
        return
    values = found.to_dict()
    values["options"] |= {"device": device, "precision": precision}
    say(json_line(values))


def _list_origins() -> str:
    """For each set, what to name as SOURCE and where its authors publish it."""
    width = max(map(len, NAMES))
    lines = []
    for name in NAMES:
        origin = ORIGINS[name]
        lines += [f"  {name:<{width}}  {origin.source}", f"  {'':<{width}}    {origin.place}"]
    return "\n".join(lines)


evaluate.help = f"""Measure an encoder on the test set SET, whose files are at SOURCE.

Recall@1, 5 and 10 from text to image and back, accuracy of pairs, or zero-shot classification: as papers do, with
global vectors and whole texts, and beside it through a search, with sentences and regions. Nothing is downloaded;
SOURCE is what the authors publish, unpacked:

\b
{_list_origins()}

Pictures are looked for beside SOURCE, in the folders of the authors' archives, or in --images. All have to be there,
because figures without some of them could not be compared.

\b
Examples:
  cosmos-search evaluate flickr8k dataset_flickr8k.json --images Flicker8k_Dataset
  cosmos-search evaluate coco captions_val2017.json --images val2017 --model siglip2-base-patch16-256
  cosmos-search evaluate flickr8k Flickr8k.token.txt --split Flickr_8k.devImages.txt --json
"""


@contextmanager
def _show_progress() -> "Iterator[StartPhase]":
    """A bar for each part of the work, on stderr if it is a terminal."""
    if not sys.stderr.isatty():
        yield lambda phase, total: lambda n_done: None
        return
    from tqdm import tqdm

    bars: list[tqdm[None]] = []

    def start_phase(phase: str, total: int) -> Callable[[int], None]:
        for bar in bars:
            bar.close()
        bars[:] = [tqdm(total=total, desc=phase, dynamic_ncols=True, leave=False)]
        return show

    def show(n_done: int) -> None:
        bars[-1].update(n_done - bars[-1].n)

    try:
        yield start_phase
    finally:
        for bar in bars:
            bar.close()
