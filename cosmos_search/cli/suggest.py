"""Commands in messages, to be pasted into the shell: they are about the index that the option of this one names."""

from shlex import quote
from typing import Any

import click

__all__ = ["remember_index", "suggest"]

GIVEN_INDEX = "cosmos_search.index"  # key in the data that all contexts of a call share


def remember_index(ctx: click.Context, param: click.Parameter, place: Any) -> Any:
    """Callback of the option --index: store its value for `suggest`, unless it comes from the environment."""
    if param.name is not None and ctx.get_parameter_source(param.name) is click.core.ParameterSource.COMMANDLINE:
        ctx.meta[GIVEN_INDEX] = str(place)  # of a URL without the password
    return place


def suggest(command: str, *arguments: str) -> str:
    """The command, such as "cosmos-search index --rebuild", with --index if it was given, and the arguments, quoted."""
    context = click.get_current_context(silent=True)
    place = None if context is None else context.meta.get(GIVEN_INDEX)
    index = () if place is None else ("--index", place)
    return " ".join([command, *map(quote, (*index, *arguments))])
