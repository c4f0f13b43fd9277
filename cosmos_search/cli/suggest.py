"""Commands in messages, to be pasted into the shell: they ask the index, and the server, that this one was given."""

from shlex import quote
from typing import Any

import click

__all__ = ["has_server", "remember_option", "suggest"]

GIVEN = "cosmos_search."  # and the name of an option: key in the data that all contexts of a call share
ASKS_SERVERS = ("facets", "search")  # commands with the option --server


def remember_option(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Callback of --index and --server: store the value for `suggest`, unless it comes from the environment."""
    if param.name is not None and ctx.get_parameter_source(param.name) is click.core.ParameterSource.COMMANDLINE:
        ctx.meta[GIVEN + param.opts[0]] = str(value)  # of a URL without the password
    return value


def has_server() -> bool:
    """True if the command was given a server."""
    return _get_value("--server") is not None


def suggest(command: str, *arguments: str) -> str:
    """The command, such as "cosmos-search index --rebuild", with --index and --server if given, and the arguments.

    --server is left out where the command has no such option.
    """
    names = ("--index", "--server") if command.split()[1] in ASKS_SERVERS else ("--index",)
    given = [part for name in names if (value := _get_value(name)) is not None for part in (name, value)]
    return " ".join([command, *map(quote, (*given, *arguments))])


def _get_value(name: str) -> str | None:
    context = click.get_current_context(silent=True)
    value: str | None = None if context is None else context.meta.get(GIVEN + name)
    return value
