"""The file by which programs of this user find the running server of an index: in the state directory, named by place.

It holds the server's token, so only its user can read it.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from cosmos_search.places import state_file
from indexer.files import read_file, replace_file
from indexer.places import Place

__all__ = ["ServerAddress", "find_server", "remove_address", "write_address"]

MAX_BYTES = 10_000
SERVER_FILE = "servers", ".json"


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
    path = state_file(place, *SERVER_FILE)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps(asdict(address) | {"started": _read_start(address.pid)}).encode()
    replace_file(path, lambda file: file.write(text), sync=False, permissions=0o600)
    return path


def find_server(place: Place) -> ServerAddress | None:
    """The server of this index; None if no other process of this user runs one."""
    address = _read_address(place)
    return address if address is not None and address.pid != os.getpid() and _is_running(address.pid) else None


def remove_address(place: Place, address: ServerAddress) -> None:
    """Remove the file if it still has this address."""
    if _read_address(place) == address:
        state_file(place, *SERVER_FILE).unlink(missing_ok=True)


def _read_address(place: Place) -> ServerAddress | None:
    """The address in the file; None if there is no valid one."""
    path = state_file(place, *SERVER_FILE)
    try:
        if not _is_private(path):
            return None
        values = json.loads(read_file(path, MAX_BYTES))
        address = ServerAddress(str(values["host"]), int(values["port"]), str(values["token"]), int(values["pid"]))
        return address if values["started"] == _read_start(address.pid) else None
    except (OSError, LookupError, TypeError, ValueError, RecursionError):
        return None


def _is_private(path: Path) -> bool:
    """True if only this user can have written the file. Raises OSError."""
    if os.name != "posix":
        return True
    facts = path.stat()
    return facts.st_uid == os.getuid() and not facts.st_mode & 0o077


def _read_start(pid: int) -> str:
    """When this process started, in ticks since the machine did, so that a later one of the same number is told apart.

    "" where the system does not say.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _is_running(pid: int) -> bool:
    """False if the process has ended: another program could listen on its port, and would be sent the token."""
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError):
        return False
    return pid > 0
