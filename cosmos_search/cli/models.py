"""The commands about models: list, pull, add, export, remove."""

import sys
from pathlib import Path
from typing import get_args

import click

from cosmos_search.cli.group import TEXT, Commands, UserPath
from cosmos_search.cli.terminal import json_line, say
from cosmos_search.model_config import Role

__all__ = ["models"]

ROLE = click.option(
    "--role",
    type=click.Choice(get_args(Role)),
    default="teacher",
    help="The network of a checkpoint to install.",
)


@click.group(cls=Commands, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_context
def models(ctx: click.Context, as_json: bool) -> None:
    """List, download, add, export and remove encoders.

    \b
    Examples:
      cosmos-search models
      cosmos-search models pull siglip2-base-patch16-256
      cosmos-search models add my-encoder/
    """
    if ctx.invoked_subcommand is not None:
        return
    from cosmos_search.cli.output import format_models
    from cosmos_search.cli.style import choose_style
    from cosmos_search.models.install import list_models
    from cosmos_search.models.store import default_store

    rows = list_models(default_store())
    if as_json:
        say("\n".join(json_line(row.to_dict()) for row in rows))
    else:
        say(format_models(rows, choose_style(sys.stdout)), styled=True)


@models.command()
@click.argument("name")
@click.option("--name", "as_name", type=TEXT, metavar="NAME", help="What to call it here; by default its name there.")
@ROLE
def pull(name: str, as_name: str | None, role: Role) -> None:
    """Download the encoder NAME of the list, or a repository OWNER/NAME of the Hugging Face hub, and verify it.

    Supported are COSMOS, CLIP, SigLIP, SigLIP 2, MetaCLIP 2, Chinese-CLIP, AltCLIP, ALIGN, and CLIPs of OpenCLIP. Of a
    COSMOS checkpoint only what search needs is kept. An interrupted download is resumed by the same command.

    \b
    Examples:
      cosmos-search models pull siglip2-base-patch16-256
      cosmos-search models pull google/siglip2-base-patch16-384 --name siglip2-384
    """
    from cosmos_search.models.install import pull_model
    from cosmos_search.models.store import default_store

    store = default_store()
    card = pull_model(store, name, role, as_name=as_name)
    _say_installed(card.name)


@models.command()
@click.argument("path", type=UserPath())
@click.option("--name", type=TEXT, metavar="NAME", help="The encoder's name; by default that of the file or directory.")
@click.option(
    "--config-from",
    metavar="FOLDER",
    type=UserPath(),
    help="For a checkpoint of unusual sizes: a folder with its config.json, tokenizer.json, ...",
)
@ROLE
def add(path: Path, name: str | None, role: Role, config_from: Path | None) -> None:
    """Install the encoder at PATH: a COSMOS checkpoint (.pt), or a directory in the layout of the Hugging Face hub.

    Of directories those of the encoders are supported that can be pulled, see: cosmos-search models pull --help
    PATH may also be an exported training run of the built-in encoder: a folder with cosmos-mini.safetensors, or this
    file. A checkpoint is read without running code in it.

    \b
    Examples:
      cosmos-search models add cosmos_vitb16_merged30m.pt --name cosmos-vitb16-merged30m
      cosmos-search models add my-encoder/
      cosmos-search models add exported-run/ --name my-photos
    """
    from cosmos_search.models.install import add_model
    from cosmos_search.models.store import default_store

    card = add_model(default_store(), path, name, role, config_from)
    _say_installed(card.name)


@models.command()
@click.argument("name")
@click.option("--for", "program", type=click.Choice(["immich"]), required=True, help="The program that will load it.")
@click.argument("folder", metavar="DIR", type=UserPath())
def export(name: str, program: str, folder: Path) -> None:
    """Write the installed encoder NAME to DIR, as another program loads it: as a custom CLIP model of immich.

    immich loads only models whose names it knows: put DIR into its model cache, as clip/NAME of one of them.

    \b
    Example:
      cosmos-search models export cosmos-vitb16-merged30m --for immich exported/
    """
    from cosmos_search.extras import require_extra
    from cosmos_search.models.errors import DamagedModelError, ModelNotInstalledError
    from cosmos_search.models.store import CARD, check_unchanged, default_store

    store = default_store()
    card = store.card(name)
    if card is None:
        raise DamagedModelError(name, CARD) if store.has(name) else ModelNotInstalledError(name)
    check_unchanged(store.folder(name), card, weights=True)
    require_extra("Exporting a model", "models", "torch", "transformers")
    from cosmos_search.encoders.immich_export import export_for_immich

    export_for_immich(store.folder(name), card, folder)
    say(f"Exported {name} for {program} to {folder}.")


@models.command()
@click.argument("name")
def remove(name: str) -> None:
    """Uninstall the encoder NAME. Indexes made with it stay, and can be searched again once it is reinstalled.

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
