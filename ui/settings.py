"""Settings shared by the command `cosmos-search ui`, the server and the page. No heavy imports here."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["APP", "LOCAL", "ROUTES", "SCRIPTS", "TICKET", "TOKEN", "TOKEN_KEY", "ServerOptions", "is_local", "make_url"]

APP = Path(__file__).parent / "app.py"
TOKEN = "COSMOS_SEARCH_TOKEN"  # environment variable with the token; empty: no login
ROUTES, SCRIPTS = "/page", "/scripts"  # beginnings of the paths of `ui.routes`: data, and code that needs no login
TICKET = "cosmos_search"  # beginning of the name of the cookie that admits to ROUTES; the port follows
TOKEN_KEY = "token"  # key of the token field; Streamlit's widget id ends with it
LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Arguments of the server process. The token is in the environment, because other users can list arguments."""

    host: str
    port: int
    opens_browser: bool
    has_token: bool

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> "ServerOptions":
        """The options in the arguments of a process."""
        host, port, *flags = arguments
        return cls(host, int(port), "browser" in flags, "token" in flags)

    @property
    def arguments(self) -> list[str]:
        """Arguments from which `parse` makes the same options."""
        flags = {"browser": self.opens_browser, "token": self.has_token}
        return [self.host, str(self.port), *(flag for flag, is_set in flags.items() if is_set)]


def is_local(host: str) -> bool:
    """True if only this machine can reach a server that listens on this host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def make_url(host: str, port: int) -> str:
    """URL of the page for a browser on this machine."""
    name = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, host)
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"
