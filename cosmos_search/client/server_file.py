"""The file by which programs of this user find the running server of an index: in the state directory, named by place.

It holds the server's token, so only its user can read it.
"""

import json
import os
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from platformdirs import user_state_path

from indexer.files import read_file, replace_file
from indexer.places import Place

__all__ = ["ServerAddress", "find_server", "remove_address", "write_address"]

MAX_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a server listens, the token that it requires, and its process."""

    host: str
    port: int
    token: str
    pid: int

    @property
    def url(self) -> str:
        """The address for clients on this machine."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def write_address(place: Place, address: ServerAddress) -> Path:
    """Write the file, readable by this user alone. Raises OSError."""
    path = _locate(place)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps(asdict(address)).encode()
    replace_file(path, lambda file: file.write(text), sync=False, permissions=0o600)
    return path


def find_server(place: Place) -> ServerAddress | None:
    """The server of this index; None if no other process of this user runs one."""
    address = _read_address(place)
    return address if address is not None and address.pid != os.getpid() and _is_running(address.pid) else None


def remove_address(place: Place, address: ServerAddress) -> None:
    """Remove the file if it still has this address."""
    if _read_address(place) == address:
        _locate(place).unlink(missing_ok=True)


def _read_address(place: Place) -> ServerAddress | None:
    """The address in the file; None if there is no valid one."""
    try:
        values = json.loads(read_file(_locate(place), MAX_BYTES))
        return ServerAddress(str(values["host"]), int(values["port"]), str(values["token"]), int(values["pid"]))
    except (OSError, LookupError, TypeError, ValueError, RecursionError):
        return None


def _is_running(pid: int) -> bool:
    """False if the process has ended: another program could listen on its port, and would be sent the token."""
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError):
        return False
    return pid > 0


def _locate(place: Place) -> Path:
    text = os.fsencode(place.resolve()) if isinstance(place, Path) else str(place).encode()  # without the password
    return user_state_path("cosmos-search") / "servers" / f"{sha256(text).hexdigest()[:32]}.json"
