"""The command line of training: each command parses, calls a function, prints. Also `cosmos-search train …`."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cosmos_search.cli.group import Command, Commands, UserPath
from cosmos_search.cli.terminal import json_line, say
from cosmos_search.extras import require_extra
from indexer.errors import UsageError

if TYPE_CHECKING:
    from trainer.config import TrainConfig

__all__ = ["train"]

PATH = UserPath()
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


class _TrainCommand(Command):
    def invoke(self, ctx: click.Context) -> Any:
        require_extra("Training", "train", "torch", "transformers")
        return super().invoke(ctx)


class _TrainCommands(Commands):
    command_class = _TrainCommand


@click.group(cls=_TrainCommands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def train() -> None:
    """Train COSMOS encoders of your own, from scratch or from another one.

    \b
    Examples:
      cosmos-search-train prepare captions.csv shards/
      cosmos-search-train run --preset tiny --data shards/ --out runs/tiny
      cosmos-search-train evaluate runs/tiny --data held-out/
      cosmos-search-train export runs/tiny my-encoder/
      cosmos-search models add my-encoder/
    """


@train.command()
@click.argument("source", type=PATH)
@click.argument("out", metavar="SHARDS", type=PATH)
@click.option("--shard-mb", type=click.IntRange(min=1), default=512, help="Megabytes of a shard, about.")
@click.option(
    "--max-side",
    type=click.IntRange(min=1),
    metavar="PIXELS",
    help="Make larger pictures smaller; left out, bytes are kept.",
)
@JSON
def prepare(source: Path, out: Path, shard_mb: int, max_side: int | None, as_json: bool) -> None:
    """Check every pair of SOURCE, and write those that can be used into SHARDS, a new folder.

    SOURCE is a .csv, .tsv or .jsonl with a column for the picture's file and one for its caption (or DreamLIP's, or
    PixelProse's), or a folder with a .txt or .json beside each picture.

    \b
    Examples:
      cosmos-search-train prepare captions.csv shards/
      cosmos-search-train prepare pictures-with-captions/ shards/ --max-side 512
    """
    from trainer.data.shards import prepare as prepare_shards
    from trainer.report import prepared_bar, prepared_text, prepared_values

    with prepared_bar() as on_progress:
        megabyte = 1_000_000
        done = prepare_shards(source, out, shard_bytes=shard_mb * megabyte, max_side=max_side, on_progress=on_progress)
    say(json_line(prepared_values(done)) if as_json else prepared_text(done, out))


@train.command()
@click.option("--config", "config_file", type=PATH, metavar="FILE", help="A training config in JSON.")
@click.option("--preset", metavar="NAME", help="A config by its name instead; see `presets`.")
@click.option("--data", type=PATH, metavar="DIR", help="Shards (.tar), or pictures beside captions.")
@click.option("--val", type=PATH, metavar="DIR", help="The same, held out: chooses the best checkpoint.")
@click.option("--out", type=PATH, metavar="DIR", help="A new folder for the run.")
@click.option("--init", metavar="WHAT", help="Fine-tune: a model's name, a model's or run's folder, a .pt file.")
@click.option("--tokenizer", type=PATH, metavar="FILE", help="A tokenizer.json, for a vocabulary other than CLIP's.")
@click.option("--resume", type=PATH, metavar="RUN", help="Go on with this run, exactly as if it had not stopped.")
def run(
    config_file: Path | None,
    preset: str | None,
    data: Path | None,
    val: Path | None,
    out: Path | None,
    init: str | None,
    tokenizer: Path | None,
    resume: Path | None,
) -> None:
    """Train, or go on training. On several GPUs: torchrun --nproc-per-node 8 -m trainer run ...

    Kill it at any moment; what it goes on from is its last checkpoint.

    \b
    Examples:
      cosmos-search-train run --preset tiny --data shards/ --out runs/tiny
      cosmos-search-train run --config small.json --data shards/ --val held-out/ --out runs/small
      cosmos-search-train run --preset cc3m-b16 --init cosmos-vitb16-cc12m --data shards/ --out runs/tuned
      cosmos-search-train run --resume runs/tiny
    """
    from trainer.report import run_text
    from trainer.runs.launch import Sources, resume_run, start_run

    if resume is not None:
        if config_file or preset or out or init or tokenizer:
            raise UsageError("A run goes on with what it began with: --resume takes --data and --val alone.")
        where = [str(path.absolute()) if path is not None else None for path in (data, val)]
        last = resume_run(resume, data=where[0], val=where[1])
    elif out is None or data is None:
        raise UsageError("A new run needs --data and --out; an old one: --resume RUN")
    else:
        config = _config(config_file, preset)
        sources = Sources(str(data.absolute()), str(val.absolute()) if val is not None else None)
        last = start_run(config, sources, out, init=init, tokenizer=tokenizer)
    say(run_text(last))


def _config(file: Path | None, preset: str | None) -> "TrainConfig":
    from trainer.config import PRESETS, load_config

    if (file is None) == (preset is None):
        raise UsageError("Name either a --config FILE or a --preset NAME; presets are: " + ", ".join(PRESETS))
    if file is not None:
        return load_config(file)
    return _preset(str(preset))


def _preset(name: str) -> "TrainConfig":
    from trainer.config import PRESETS

    if name not in PRESETS:
        raise UsageError(f"There is no preset {name!r}; there are: {', '.join(PRESETS)}")
    return PRESETS[name]


@train.command()
@click.argument("name", default="")
def presets(name: str) -> None:
    """List the configs that have a name, or print one as JSON, to begin your own with.

    \b
    Examples:
      cosmos-search-train presets
      cosmos-search-train presets small > mine.json
    """
    from dataclasses import asdict

    from trainer.config import PRESETS
    from trainer.report import presets_table

    say(json.dumps(asdict(_preset(name)), indent=2) if name else presets_table(PRESETS))


@train.command()
@click.argument("folder", metavar="RUN", type=PATH)
@click.option("--data", type=PATH, metavar="DIR", help="Pairs for retrieval: shards, or pictures beside captions.")
@click.option("--classes", type=PATH, metavar="DIR", help="Folders of pictures named by their class.")
@click.option("--templates", type=PATH, metavar="FILE", help="A line each, with {} for the class.")
@click.option("--checkpoint", default="best", metavar="WHICH", help="best, last, or a name like step-00001000.")
@click.option("--limit", type=click.IntRange(min=1), default=5000, help="Pairs of --data at most.")
@JSON
def evaluate(
    folder: Path,
    data: Path | None,
    classes: Path | None,
    templates: Path | None,
    checkpoint: str,
    limit: int,
    as_json: bool,
) -> None:
    """Measure a run's student and teacher: retrieval both ways, and classification by names alone.

    \b
    Examples:
      cosmos-search-train evaluate runs/small --data held-out/
      cosmos-search-train evaluate runs/small --classes imagenet/val/
    """
    from trainer.report import evaluation_text, evaluation_values
    from trainer.runs.launch import evaluate_run

    if data is None and classes is None:
        raise UsageError("Name what to evaluate with: --data DIR, or --classes DIR, or both.")
    found = evaluate_run(folder, checkpoint, data=data, classes=classes, templates=templates, limit=limit)
    say(json_line(evaluation_values(found)) if as_json else evaluation_text(found))


@train.command()
@click.argument("folder", metavar="RUN", type=PATH)
@click.argument("out", type=PATH)
@click.option("--role", type=click.Choice(["teacher", "student"]), default="teacher", help="Which of the two networks.")
@click.option("--checkpoint", default="best", metavar="WHICH", help="best, last, or a name like step-00001000.")
def export(folder: Path, out: Path, role: str, checkpoint: str) -> None:
    """Write a run's encoder into the folder OUT, as `cosmos-search models add` takes it.

    \b
    Example:
      cosmos-search-train export runs/small my-encoder/
    """
    from trainer.runs.export import export as export_run

    chosen = export_run(folder, out, role=role, which=checkpoint)
    say(f"Wrote the {role} of {chosen.name} to {out}. To use it: cosmos-search models add {shlex.quote(str(out))}")
