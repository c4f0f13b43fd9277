"""The command `cosmos-search ui`: checks where it may be reached from, then becomes Streamlit's server."""

import errno
import os
import secrets
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from cosmos_search.cli.group import UserPath
from indexer.errors import UsageError
from ui.settings import TOKEN, ServerOptions, is_local, make_url

__all__ = ["Server", "plan_server", "ui"]

# As `python -m ui.serve`, but never with a module from the directory that the user happens to be in.
PROGRAM = "import sys; sys.path[:] = filter(None, sys.path); from ui.serve import main; main()"
PLACES = (
    "COSMOS_SEARCH_MODELS",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
)  # variables that name directories
SERVERS = ("STREAMLIT_", "UVICORN_", "FORWARDED_ALLOW_IPS", "WEB_CONCURRENCY")  # how variables of the server's begin
LONG = 16  # characters of a token that nobody guesses from many addresses


@click.command()
@click.option(
    "--host", default="127.0.0.1", metavar="ADDRESS", help="Where to listen; another than this machine's needs a token."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8501, help="The port to listen on; 0: any that is free.")
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
    host, port = _resolve_address(host, port)
    server = plan_server(host, port, token, browser=browser, place=place)
    click.echo(server.said, err=True)
    os.execve(sys.executable, server.command, server.environment)


@dataclass(frozen=True, slots=True)
class Server:
    """What is to be run, with which environment, and what the user should know of it."""

    command: list[str]
    environment: dict[str, str]
    said: str


def plan_server(host: str, port: int, token: str | None, *, browser: bool, place: Path | None) -> Server:
    """The page's server. Where others can reach it there is always a token, made up if none is given."""
    if token is not None and not token.strip():
        raise UsageError("This token is empty; choose another one, or leave --token out.")
    address = make_url(host, port)
    said = f"cosmos-search is at {address}, only from this machine. Ctrl-C ends it."
    if not is_local(host):
        token = token or secrets.token_urlsafe()  # 256 random bits
        said = (
            f"cosmos-search listens at {host}, port {port}, also for other machines; here it is at {address}. Everyone "
            f"who reaches it and knows this token can see your pictures and index any folder of this machine: {token}\n"
            "The connection is not encrypted: open it to a network that you trust. Ctrl-C ends it."
        )
        if len(token) < LONG:
            said += f"\nThis token is short, and many machines together may guess it: take {LONG} characters or more."
    start = ServerOptions(host, port, opens_browser=browser, has_token=token is not None)
    command = [sys.executable, "-c", PROGRAM, *start.arguments]
    return Server(command, _build_environment(token, place), said)


def _build_environment(token: str | None, place: Path | None) -> dict[str, str]:
    """That of this process, but without the server's settings, and with the paths absolute: the directory changes."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(SERVERS)}
    kept |= {name: str(Path(kept[name]).expanduser().absolute()) for name in PLACES if kept.get(name)}
    if place is not None:
        kept["COSMOS_SEARCH_INDEX"] = str(place.expanduser().absolute())
    return kept | {TOKEN: token or ""}  # not in the command, which other users can list


def _resolve_address(host: str, port: int) -> tuple[str, int]:
    """The address and the port to listen at, as numbers. Raises UsageError where nobody can listen.

    Streamlit takes what holds a colon for IPv6, and all else for IPv4.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        if not host:
            raise ValueError("an empty host stands for every address")
        address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0][4]
        with socket.socket(family) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            return (host if family == socket.AF_INET6 else str(address[0])), trial.getsockname()[1]
    except (OSError, ValueError) as error:
        raise UsageError(_explain_bind_error(error, host, port)) from error


def _explain_bind_error(error: OSError | ValueError, host: str, port: int) -> str:
    code = error.errno if isinstance(error, OSError) and not isinstance(error, socket.gaierror) else None
    if code == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else 0
        return f"Another program listens at port {port}; choose another port: cosmos-search ui --port {other}"
    if code == errno.EACCES:
        return f"You may not listen at port {port}; choose one above 1023: cosmos-search ui --port 8501"
    return (
        f"This machine has no address {host!r} to listen at; --host 127.0.0.1 is for this machine alone, "
        "--host 0.0.0.0 for others as well."
    )
