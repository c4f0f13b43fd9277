"""The commands about models: list, pull, add, remove."""

from pathlib import Path

import click

from cosmos_search.cli.group import TEXT, Commands, UserPath
from cosmos_search.cli.terminal import json_line, say

__all__ = ["models"]

ROLE = click.option(
    "--role",
    type=click.Choice(["teacher", "student"]),
    default="teacher",
    help="Which of a checkpoint's two networks to keep.",
)


@click.group(cls=Commands, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_context
def models(ctx: click.Context, as_json: bool) -> None:
    """List the encoders there are, and get them.

    \b
    Examples:
      cosmos-search models
      cosmos-search models pull cosmos-vitb16-merged30m
      cosmos-search models add my-encoder/
    """
    if ctx.invoked_subcommand is not None:
        return
    from cosmos_search.cli.output import models_table
    from cosmos_search.models.install import list_models
    from cosmos_search.models.store import default_store

    rows = list_models(default_store())
    say("\n".join(json_line(row.to_dict()) for row in rows) if as_json else models_table(rows))


@models.command()
@click.argument("name")
@ROLE
def pull(name: str, role: str) -> None:
    """Download the published encoder NAME, verify it, and keep what search needs: a quarter of the file.

    Broken off, it goes on where it was.

    \b
    Example:
      cosmos-search models pull cosmos-vitb16-merged30m
    """
    from cosmos_search.models.install import pull_model
    from cosmos_search.models.store import default_store

    store = default_store()
    card = pull_model(store, name, role)
    _say_installed(card.name)


@models.command()
@click.argument("path", type=UserPath())
@click.option("--name", type=TEXT, metavar="NAME", help="What to call it; left out, the file's or directory's name.")
@click.option(
    "--like",
    metavar="DIR",
    type=UserPath(),
    help="A directory that tells what a checkpoint of unusual size does not: config.json, tokenizer.json, ...",
)
@ROLE
def add(path: Path, name: str | None, role: str, like: Path | None) -> None:
    """Install the encoder at PATH: a COSMOS checkpoint (.pt), or a COSMOS or CLIP directory in the Hugging Face layout.

    A checkpoint is read without running anything in it.

    \b
    Examples:
      cosmos-search models add cosmos_vitb16_merged30m.pt --name cosmos-vitb16-merged30m
      cosmos-search models add my-encoder/
    """
    from cosmos_search.models.install import add_model
    from cosmos_search.models.store import default_store

    card = add_model(default_store(), path, name, role, like)
    _say_installed(card.name)


@models.command()
@click.argument("name")
def remove(name: str) -> None:
    """Uninstall the encoder NAME. Indexes made with it stay, and can be searched again once it is back.

    \b
    Example:
      cosmos-search models remove cosmos-vitb32-cc3m
    """
    from cosmos_search.models.store import default_store

    default_store().remove(name)
    say(f"Removed {name}.")


def _say_installed(name: str) -> None:
    from cosmos_search.models.store import default_model

    if default_model() == name:
        say(f"Installed {name}; new indexes use it from now on.")
        say(f"To move an index to it: cosmos-search index --model {name} --rebuild")
    else:
        say(f"Installed {name}. To use it: cosmos-search index FOLDER --model {name}")
