"""The command line of training, `cosmos-search-train` and `cosmos-search train`; commands parse, call, and print."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shlex import quote
from threading import Event
from typing import TYPE_CHECKING, Any, get_args

import click

from cosmos_search.cli.advice import add_advice
from cosmos_search.cli.group import INTERRUPTED, Command, Commands, UserPath
from cosmos_search.cli.terminal import json_line, say
from cosmos_search.extras import require_extra
from cosmos_search.model_config import Role
from indexer.errors import CosmosSearchError, UsageError
from indexer.files import expand_home
from trainer.advice import ADVICE

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

    def explain(self, error: CosmosSearchError) -> str:
        return add_advice(error, ADVICE)


@click.group(cls=_TrainCommands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def train() -> None:
    """Train COSMOS encoders from scratch, or fine-tune them.

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
@click.option(
    "--split",
    metavar="WHICH",
    help="Use only these pictures: a file with one name a line; for Karpathy's JSON its splits, as in train,restval.",
)
@click.option("--images", type=PATH, metavar="DIR", help="The folder of the pictures, if it is not beside the file.")
@click.option("--shard-mb", type=click.IntRange(min=1), default=512, help="Approximate size of a shard in megabytes.")
@click.option(
    "--max-side",
    type=click.IntRange(min=1),
    metavar="PIXELS",
    help="Scale larger pictures down; by default files are kept unchanged.",
)
@JSON
def prepare(
    source: Path,
    out: Path,
    split: str | None,
    images: Path | None,
    shard_mb: int,
    max_side: int | None,
    as_json: bool,
) -> None:
    """Check every pair of SOURCE, and write the usable ones as shards into SHARDS, a new folder.

    SOURCE is a .csv, .tsv or .jsonl with a column for the picture's file and one for its caption (or the columns of
    DreamLIP or PixelProse), or a folder with a .txt or .json beside each picture. It is also Flickr8k.token.txt,
    Flickr30k's results_20130124.token, Kaggle's captions.txt or Karpathy's dataset_*.json, or a folder that holds one
    of them; --split and --images are for these.

    \b
    Examples:
      cosmos-search-train prepare captions.csv shards/
      cosmos-search-train prepare pictures-with-captions/ shards/ --max-side 512
      cosmos-search-train prepare flickr8k/ shards/ --split Flickr_8k.trainImages.txt
      cosmos-search-train prepare dataset_coco.json shards/ --split train,restval --images coco/
    """
    from trainer.data.shards import prepare as prepare_shards
    from trainer.report import format_prepared, list_prepared, show_prepare_progress

    with show_prepare_progress() as on_progress:
        done = prepare_shards(
            source,
            out,
            split=split,
            images=images,
            shard_bytes=shard_mb * 1_000_000,
            max_side=max_side,
            on_progress=on_progress,
        )
    if as_json:
        say(json_line(list_prepared(done)))
        return
    (mode,) = done.text_modes
    say(format_prepared(done, out))
    say(f'To train with it, a config with "text_mode": "{mode}": cosmos-search-train run --data {quote(str(out))} ...')


@train.command()
@click.option("--config", "config_file", type=PATH, metavar="FILE", help="A training config in JSON.")
@click.option("--preset", metavar="NAME", help="A named config instead; see `presets`.")
@click.option(
    "--data", type=PATH, metavar="PATH", help="A .tar shard, or a folder of shards or of pictures beside captions."
)
@click.option("--val", type=PATH, metavar="PATH", help="Held-out data of the same form, to choose the best checkpoint.")
@click.option("--out", type=PATH, metavar="DIR", help="A new folder for the run.")
@click.option(
    "--init", metavar="WHAT", help="Fine-tune: the name of a model, the folder of a model or a run, or a .pt file."
)
@click.option("--tokenizer", type=PATH, metavar="FILE", help="A tokenizer.json, for a vocabulary other than CLIP's.")
@click.option(
    "--steps", type=click.IntRange(min=1), metavar="N", help="Number of steps, instead of that of the config or preset."
)
@click.option("--resume", type=PATH, metavar="RUN", help="Resume this run exactly.")
def run(
    config_file: Path | None,
    preset: str | None,
    data: Path | None,
    val: Path | None,
    out: Path | None,
    init: str | None,
    tokenizer: Path | None,
    steps: int | None,
    resume: Path | None,
) -> None:
    """Start or resume a training run. On several GPUs: torchrun --nproc-per-node 8 -m trainer run ...

    Ctrl-C saves a checkpoint and ends the run. It can also be killed at any moment; --resume continues from its last
    checkpoint. The presets tiny, small and mini-* are fitted to data of few pairs: smaller batches and fewer steps.

    \b
    Examples:
      cosmos-search-train run --preset tiny --data shards/ --out runs/tiny
      cosmos-search-train run --preset tiny --steps 40 --data shards/ --out runs/trial
      cosmos-search-train run --config small.json --data shards/ --val held-out/ --out runs/small
      cosmos-search-train run --preset cc3m-b16 --init cosmos-vitb16-cc12m --data shards/ --out runs/tuned
      cosmos-search-train run --resume runs/tiny
    """
    from trainer.report import format_run
    from trainer.runs.folder import RunFolder
    from trainer.runs.launch import Sources, resume_run, start_run

    if resume is not None:
        if config_file or preset or out or init or tokenizer or steps:
            raise UsageError("A run is resumed with its own config: --resume takes --data and --val only.")
        where = [str(path.absolute()) if path is not None else None for path in (data, val)]
        with _stopping_on_ctrl_c(resume) as stop:
            resume_run(resume, data=where[0], val=where[1], stop=stop)
    elif out is None or data is None:
        raise UsageError("A new run needs --data and --out; an earlier one is continued by --resume RUN")
    else:
        config = _load_config(config_file, preset, data, steps)
        sources = Sources(str(data.absolute()), str(val.absolute()) if val is not None else None)
        with _stopping_on_ctrl_c(out) as stop:
            start_run(config, sources, out, init=init, tokenizer=tokenizer, stop=stop)
    folder = resume or out
    assert folder is not None
    say(format_run(RunFolder(folder)))
    export_command = f"cosmos-search-train export {quote(str(folder))} my-encoder/"
    say(f"To use it: {export_command}, then cosmos-search models add my-encoder/")


@contextmanager
def _stopping_on_ctrl_c(run: Path) -> Iterator[Event | None]:
    """An event that Ctrl-C sets; at the end, exit with the command that resumes the run. None for several processes."""
    from cosmos_search.cli.progress import stop_on_ctrl_c

    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        yield None
        return
    stop = Event()
    with stop_on_ctrl_c(stop):
        yield stop
    if stop.is_set():
        resume = f"cosmos-search-train run --resume {quote(str(run))}"
        say(f"Stopped; all steps are saved. To resume: {resume}", err=True)
        sys.exit(INTERRUPTED)


def _load_config(file: Path | None, preset: str | None, data: Path, steps: int | None) -> "TrainConfig":
    from trainer.config import load_config
    from trainer.data.samples import open_source
    from trainer.presets import PRESETS, fit_to_data, set_steps

    if (file is None) == (preset is None):
        raise UsageError("Name either a --config FILE or a --preset NAME; presets are: " + ", ".join(PRESETS))
    config = load_config(file) if file is not None else fit_to_data(_find_preset(str(preset)), open_source(data).count)
    return config if steps is None else set_steps(config, steps)


def _find_preset(name: str) -> "TrainConfig":
    from trainer.presets import PRESETS

    if name not in PRESETS:
        raise UsageError(f"There is no preset {name!r}; there are: {', '.join(PRESETS)}")
    return PRESETS[name]


@train.command()
@click.argument("name", default="")
def presets(name: str) -> None:
    """List the named configs, or print one as JSON to edit.

    \b
    Examples:
      cosmos-search-train presets
      cosmos-search-train presets small > mine.json
    """
    from dataclasses import asdict

    from trainer.presets import PRESETS
    from trainer.report import format_presets

    say(json.dumps(asdict(_find_preset(name)), indent=2) if name else format_presets(PRESETS))


@train.command()
@click.argument("name", metavar="RUN_OR_MODEL")
@click.option("--data", type=PATH, metavar="PATH", help="Pairs for retrieval, in the forms that `run --data` takes.")
@click.option("--classes", type=PATH, metavar="DIR", help="Folders of pictures, named by class.")
@click.option("--templates", type=PATH, metavar="FILE", help="One text a line, with {} for the class.")
@click.option(
    "--checkpoint", default="best", metavar="WHICH", help="Checkpoint: best, last, or a name like step-00001000."
)
@click.option("--limit", type=click.IntRange(min=1), default=5000, help="Maximum number of pairs of --data.")
@JSON
def evaluate(
    name: str,
    data: Path | None,
    classes: Path | None,
    templates: Path | None,
    checkpoint: str,
    limit: int,
    as_json: bool,
) -> None:
    """Evaluate the networks of a run, or an installed model: retrieval in both directions, zero-shot classification.

    A model is named as in `cosmos-search models`, and runs as it does in a search; cosmos-mini and cosmos-mini-conse
    are built in.

    \b
    Examples:
      cosmos-search-train evaluate runs/small --data held-out/
      cosmos-search-train evaluate runs/small --classes imagenet/val/
      cosmos-search-train evaluate cosmos-mini --data held-out/
    """
    from trainer.evaluate import evaluate_model
    from trainer.report import format_evaluation, list_evaluation
    from trainer.runs.launch import evaluate_run

    if data is None and classes is None:
        raise UsageError("Name what to evaluate with: --data DIR, or --classes DIR, or both.")
    run = expand_home(name)
    measure = partial(evaluate_run, run, checkpoint) if run.exists() else partial(evaluate_model, name)
    found = measure(data=data, classes=classes, templates=templates, limit=limit)
    say(json_line(list_evaluation(found)) if as_json else format_evaluation(found))


@train.command()
@click.argument("folder", metavar="RUN", type=PATH)
@click.argument("out", type=PATH)
@click.option("--role", type=click.Choice(get_args(Role)), default="teacher", help="Network to export.")
@click.option(
    "--checkpoint", default="best", metavar="WHICH", help="Checkpoint: best, last, or a name like step-00001000."
)
def export(folder: Path, out: Path, role: Role, checkpoint: str) -> None:
    """Write a network of a run into the folder OUT, for `cosmos-search models add`.

    \b
    Example:
      cosmos-search-train export runs/small my-encoder/
    """
    from trainer.runs.export import export as export_run

    chosen = export_run(folder, out, role=role, which=checkpoint)
    say(f"Wrote the {role} of {chosen.name} to {out}. To use it: cosmos-search models add {quote(str(out))}")
