"""What the command that starts the page, its server and the page itself agree on; all import it, so it is light."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["APP", "LOCAL", "MAX_UPLOAD_MB", "TOKEN", "TOKEN_KEY", "ServerOptions", "is_local", "make_url"]

APP = Path(__file__).parent / "app.py"
TOKEN = "COSMOS_SEARCH_TOKEN"  # the environment variable with what visitors must say; empty: nothing
TOKEN_KEY = "token"  # the key of the field where visitors say it; ids of Streamlit's end with it
MAX_UPLOAD_MB = 32
LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How the server is started; the token itself is in the environment, since other users can list arguments."""

    host: str
    port: int
    opens_browser: bool
    has_token: bool

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> "ServerOptions":
        """From the arguments of a program."""
        host, port, *flags = arguments
        return cls(host, int(port), "browser" in flags, "token" in flags)

    @property
    def arguments(self) -> list[str]:
        """That give it back."""
        flags = {"browser": self.opens_browser, "token": self.has_token}
        return [self.host, str(self.port), *(flag for flag, is_set in flags.items() if is_set)]


def is_local(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def make_url(host: str, port: int) -> str:
    """Of the page, for a browser on this machine."""
    name = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, host)
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"
