"""The files by which programs of this user find the running servers of an index: in the state directory.

They are named by the place of the index and the process: one server does not replace the file of another. They hold the
servers' tokens, so only their user can read them.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from cosmos_search.places import locate_state_file
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
    """Write the file, readable by this user alone, and delete those of servers that have ended. Raises OSError."""
    path = _locate(place, address.pid)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps(asdict(address) | {"started": _read_start(address.pid)}).encode()
    replace_file(path, lambda file: file.write(text), sync=False, permissions=0o600)
    for other in _list_files(place):
        found = _read_address(other)
        if other != path and (found is None or not _is_running(found.pid)):
            other.unlink(missing_ok=True)
    return path


def find_server(place: Place) -> ServerAddress | None:
    """The server of this index that was started first; None if no other process of this user runs one."""
    for path in _list_files(place):
        address = _read_address(path)
        if address is not None and address.pid != os.getpid() and _is_running(address.pid):
            return address
    return None


def remove_address(place: Place, address: ServerAddress) -> None:
    """Remove the file if it still has this address."""
    path = _locate(place, address.pid)
    if _read_address(path) == address:
        path.unlink(missing_ok=True)


def _list_files(place: Place) -> list[Path]:
    """The files of this index, the oldest first."""
    pattern = _locate(place, "*")
    files = []
    for path in pattern.parent.glob(pattern.name):
        with suppress(OSError):  # removed meanwhile
            files.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(files)]


def _read_address(path: Path) -> ServerAddress | None:
    """The address in the file; None if there is no valid one."""
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


def _locate(place: Place, pid: int | str) -> Path:
    return locate_state_file(place, "servers", f"-{pid}.json")
