"""The options that name an index, or a server that has it, and the library at that place."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cosmos_search.cli.group import TEXT, UserPlace
from cosmos_search.cli.suggest import remember_option
from indexer.places import Place

if TYPE_CHECKING:
    from cosmos_search.encoders.devices import Device, Precision
    from cosmos_search.library import Library

__all__ = ["index_option", "open_library", "server_option"]

F = TypeVar("F", bound=Callable[..., Any])


def index_option(command: F) -> F:
    """Add the option to a command, which gets its value as `place`."""
    return click.option(
        "--index",
        "place",
        type=UserPlace(),
        callback=remember_option,
        envvar="COSMOS_SEARCH_INDEX",
        metavar="PLACE",
        help="Directory of the index, or URL of a PostgreSQL database. By default COSMOS_SEARCH_INDEX, or a directory "
        "among your user data.",
    )(command)


def server_option(command: F) -> F:
    """Add the option to a command, which gets its value as `server`."""
    return click.option(
        "--server",
        type=TEXT,
        callback=remember_option,
        metavar="URL",
        help="Ask this server, whose token is in COSMOS_SEARCH_TOKEN. The command search finds one of the same index "
        "on this machine without it.",
    )(command)


def open_library(
    place: Place | None, model: str | None = None, device: "Device" = "auto", precision: "Precision" = "auto"
) -> "Library":
    """The library at the place that the option names; None: the default one. It is imported here."""
    from cosmos_search.library import open as open_place

    return open_place(place, model=model, device=device, precision=precision)
