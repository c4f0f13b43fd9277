"""The command `cosmos-search ui`: checks where it may be reached from, then becomes Streamlit's server."""

import ipaddress
import os
import secrets
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click

from cosmos_search.commands import UserPath
from indexer.errors import UsageError
from ui.agreed import MAX_UPLOAD_MB, TOKEN

__all__ = ["Server", "server_for", "ui"]

APP = Path(__file__).parent / "app.py"
# As `python -m streamlit` does, but never with a module from the folder that the user happens to be in.
START = "import sys; sys.path.pop(0); from streamlit.web.cli import main; main()"
LOCAL = ("localhost", "127.0.0.1", "::1")


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
    """Streamlit's server. Where others can reach it there is always a token, made up if none is given."""
    is_local = _is_local(host)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    said = f"cosmos-search is at {address}, only from this machine. Ctrl-C ends it."
    if not is_local:
        token = token or secrets.token_urlsafe(12)
        said = (
            f"cosmos-search listens at {address}, also for other machines. Everyone who reaches it and knows this "
            f"token can see your pictures and index any folder of this machine: {token}\n"
            "The connection is not encrypted, and files can be sent to it without the token: open it to a network "
            "that you trust. Ctrl-C ends it."
        )
    environment = {**os.environ, TOKEN: token or ""}  # not in the command, which other users can list
    if place is not None:
        environment["COSMOS_SEARCH_INDEX"] = str(place.absolute())
    command = [sys.executable, "-c", START, "run", str(APP), *_settings(host, port, browser)]
    return Server(command, environment, said)


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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


def _settings(host: str, port: int, browser: bool) -> list[str]:
    """Of Streamlit: nothing is sent anywhere, no file is watched or served, and no trace is shown to visitors."""
    settings: dict[str, object] = {
        "server.address": host,
        "server.port": port,
        "server.headless": not browser,
        "server.showEmailPrompt": False,
        "server.maxUploadSize": MAX_UPLOAD_MB,
        "server.enableStaticServing": False,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "logger.level": "warning",
        "theme.light.primaryColor": "#0072b2",
        "theme.dark.primaryColor": "#56b4e9",
    }
    words = [f"--{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in settings.items()]
    if _is_local(host):  # no web site may speak to it under a name of its own (DNS rebinding)
        words += [f"--server.allowedHosts={name}" for name in (*LOCAL, host)]
    return words
