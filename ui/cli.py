"""The command `cosmos-search ui`: checks where it may be reached from, then becomes Streamlit's server."""

import os
import secrets
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from cosmos_search.cli.group import UserPath
from cosmos_search.extras import require_extra
from indexer.errors import UsageError
from ui.settings import TOKEN, Start, address_of, is_local

__all__ = ["Server", "server_for", "ui"]

# As `python -m ui.serve`, but never with a module from the directory that the user happens to be in.
PROGRAM = "import sys; sys.path[:] = filter(None, sys.path); from ui.serve import main; main()"
PLACES = (
    "COSMOS_SEARCH_MODELS",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
)  # variables that name directories


@click.command()
@click.option(
    "--host", default="127.0.0.1", metavar="ADDRESS", help="Where to listen; another than this machine's needs a token."
)
@click.option("--port", default=8501, help="The port to listen on.")
@click.option(
    "--token", envvar=TOKEN, metavar="SECRET", help="What visitors must say; made up for other hosts if left out."
)
@click.option("--browser/--no-browser", default=True, help="Open the page in a browser.")
@click.option(
    "--index",
    "place",
    type=UserPath(file_okay=False),
    envvar="COSMOS_SEARCH_INDEX",
    metavar="DIR",
    help="Where the index is.",
)
def ui(host: str, port: int, token: str | None, browser: bool, place: Path | None) -> NoReturn:
    """Open the page: search, see why, refine. Only this machine can reach it, unless you name a --host.

    \b
    Examples:
      cosmos-search ui
      cosmos-search ui --host 0.0.0.0 --token "a long secret"
    """
    require_extra("The page", "ui", "streamlit")
    _check_free(host, port)
    server = server_for(host, port, token, browser=browser, place=place)
    click.echo(server.said, err=True)
    os.execve(sys.executable, server.command, server.environment)


@dataclass(frozen=True, slots=True)
class Server:
    """What is to be run, with which environment, and what the user should know of it."""

    command: list[str]
    environment: dict[str, str]
    said: str


def server_for(host: str, port: int, token: str | None, *, browser: bool, place: Path | None) -> Server:
    """The page's server. Where others can reach it there is always a token, made up if none is given."""
    if token is not None and not token.strip():
        raise UsageError("This token is empty; choose another one, or leave --token out.")
    address = address_of(host, port)
    said = f"cosmos-search is at {address}, only from this machine. Ctrl-C ends it."
    if not is_local(host):
        token = token or secrets.token_urlsafe(12)
        said = (
            f"cosmos-search listens at {host}, port {port}, also for other machines; here it is at {address}. Everyone "
            f"who reaches it and knows this token can see your pictures and index any folder of this machine: {token}\n"
            "The connection is not encrypted, and files can be sent to it without the token: open it to a network "
            "that you trust. Ctrl-C ends it."
        )
    start = Start(host, port, opens_browser=browser, has_token=token is not None)
    command = [sys.executable, "-c", PROGRAM, *start.arguments]
    return Server(command, _environment(token, place), said)


def _environment(token: str | None, place: Path | None) -> dict[str, str]:
    """That of this process, but without Streamlit's settings, and with the paths absolute: the directory changes."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("STREAMLIT_")}
    kept |= {name: str(Path(kept[name]).expanduser().absolute()) for name in PLACES if kept.get(name)}
    if place is not None:
        kept["COSMOS_SEARCH_INDEX"] = str(place.expanduser().absolute())
    return kept | {TOKEN: token or ""}  # not in the command, which other users can list


def _check_free(host: str, port: int) -> None:
    """Raise UsageError where nobody can listen."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(
            f"Nobody can listen at {host}:{port} ({reason}); choose another port: cosmos-search ui --port {port + 1}"
        ) from error
