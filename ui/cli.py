"""The command `cosmos-search ui`: checks address, port and token, then replaces itself by the Streamlit server."""

import errno
import os
import secrets
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from cosmos_search.cli.index_option import index_option
from cosmos_search.extras import require_extra
from indexer.errors import UsageError
from indexer.places import Place
from ui.settings import TOKEN, ServerOptions, is_local, make_url

__all__ = ["Server", "plan_server", "ui"]

# Like `python -m ui.serve`, but without the current directory in sys.path, so that no module there is imported.
PROGRAM = "import sys; sys.path[:] = filter(None, sys.path); from ui.serve import main; main()"
# Environment variables that name directories or files.
PATH_VARIABLES = ("COSMOS_SEARCH_MODELS", "PGPASSFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
# Prefixes of environment variables that configure the server.
SERVER_PREFIXES = ("STREAMLIT_", "UVICORN_", "FORWARDED_ALLOW_IPS", "WEB_CONCURRENCY")
MIN_TOKEN_LENGTH = 16  # characters; shorter tokens can be guessed from many addresses at once


@click.command()
@click.option(
    "--host", default="127.0.0.1", metavar="ADDRESS", help="Address to listen on; other machines need a token."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8501, help="Port to listen on; 0: any free port.")
@click.option(
    "--token",
    envvar=TOKEN,
    metavar="SECRET",
    help="Token that visitors must enter; generated for other hosts.",
)
@click.option("--browser/--no-browser", default=True, help="Open the page in a browser.")
@index_option
def ui(host: str, port: int, token: str | None, browser: bool, place: Place | None) -> NoReturn:
    """Open the web page for searching and indexing. Only this machine can reach it unless --host is given.

    \b
    Examples:
      cosmos-search ui
      cosmos-search ui --host 0.0.0.0 --token "a long secret"
    """
    require_extra("The page", "ui", "streamlit")
    host, port = _resolve_address(host, port)
    server = plan_server(host, port, token, browser=browser, place=place)
    click.echo(server.notice, err=True)
    os.execve(sys.executable, server.command, server.environment)


@dataclass(frozen=True, slots=True)
class Server:
    """Command and environment of the server process, and the notice to print before it starts."""

    command: list[str]
    environment: dict[str, str]
    notice: str


def plan_server(host: str, port: int, token: str | None, *, browser: bool, place: Place | None) -> Server:
    """Command, environment and notice of the page's server.

    If other machines can reach it, it always has a token; one is generated if none is given.
    """
    if token is not None and not token.strip():
        raise UsageError("The token is empty; use another one, or omit --token.")
    address = make_url(host, port)
    notice = f"cosmos-search is running at {address} (this machine only). Press Ctrl-C to stop it."
    if not is_local(host):
        token = token or secrets.token_urlsafe()  # 256 random bits
        notice = (
            f"cosmos-search is running at {address} and accepts other machines on {host}, port {port}. Everyone with "
            f"this token can see your pictures and index any folder of this machine: {token}\n"
            "The connection is not encrypted: use it only in a trusted network. Press Ctrl-C to stop it."
        )
        if len(token) < MIN_TOKEN_LENGTH:
            notice += f"\nThis token is short and could be guessed: use at least {MIN_TOKEN_LENGTH} characters."
    options = ServerOptions(host, port, opens_browser=browser, has_token=token is not None)
    command = [sys.executable, "-c", PROGRAM, *options.arguments]
    return Server(command, _build_environment(token, place), notice)


def _build_environment(token: str | None, place: Place | None) -> dict[str, str]:
    """This process's environment without server settings; paths are absolute because the server changes directory."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(SERVER_PREFIXES)}
    kept |= {name: str(Path(kept[name]).expanduser().absolute()) for name in PATH_VARIABLES if kept.get(name)}
    if place is not None:
        kept["COSMOS_SEARCH_INDEX"] = (
            str(place.expanduser().absolute()) if isinstance(place, Path) else place.url  # with its password
        )
    return kept | {TOKEN: token or ""}  # not as an argument, because other users can list arguments


def _resolve_address(host: str, port: int) -> tuple[str, int]:
    """Numeric address and free port to listen on. Raises UsageError if it is not possible to listen there.

    Streamlit treats a host with a colon as IPv6 and any other as IPv4.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        if not host:
            raise ValueError("an empty host means every address")
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
        return f"Port {port} is already in use; use another one: --port {other}"
    if code == errno.EACCES:
        return f"No permission to listen on port {port}; use one above 1023: --port 8501"
    return (
        f"Cannot listen on {host!r}: it is not an address of this machine. Use --host 127.0.0.1 for this machine only, "
        "or --host 0.0.0.0 for other machines too."
    )
