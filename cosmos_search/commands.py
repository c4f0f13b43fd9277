"""What all command lines share: errors in one line, and commands that other packages bring."""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

from indexer.errors import CosmosSearchError, UsageError

__all__ = ["Commands", "OpenCommands"]

GROUP = "cosmos_search.commands"  # entry points: so the packages above are found without being imported


class _WrongCall(click.ClickException):
    exit_code = 2


class Commands(click.Group):
    """Shows the errors that a user can mend as one line: exit code 2 for a wrong call, 1 otherwise."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CosmosSearchError as error:
            shown = _WrongCall if isinstance(error, UsageError) else click.ClickException
            raise shown(str(error)) from error


class OpenCommands(Commands):
    """Its own commands, and those of installed packages' entry points, imported when they are called or listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_plugged()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is None and (found := _plugged().get(cmd_name)) is not None:
            command: click.Command = found.load()
            return command
        return own


def _plugged() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
