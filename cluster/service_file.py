"""The file by which searches of this user find a running service: in the cache, named by the catalog's identity."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from platformdirs import user_cache_path

from indexer.files import read_file, replace_file

__all__ = ["ServiceAddress", "read_address", "remove_address", "write_address"]

MAX_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """Where a service listens, and the token that it wants."""

    host: str
    port: int
    token: str


def write_address(identity: tuple[int, ...], address: ServiceAddress) -> Path:
    """Write the file, readable by this user alone. Raises OSError."""
    path = _locate(identity)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps(asdict(address)).encode()
    replace_file(path, lambda file: file.write(text), sync=False, permissions=0o600)
    return path


def read_address(identity: tuple[int, ...]) -> ServiceAddress | None:
    """The address in the file; None if there is no valid one."""
    try:
        values = json.loads(read_file(_locate(identity), MAX_BYTES))
        return ServiceAddress(str(values["host"]), int(values["port"]), str(values["token"]))
    except (OSError, LookupError, TypeError, ValueError):
        return None


def remove_address(identity: tuple[int, ...], address: ServiceAddress) -> None:
    """Remove the file if it still has this address."""
    if read_address(identity) == address:
        _locate(identity).unlink(missing_ok=True)


def _locate(identity: tuple[int, ...]) -> Path:
    return user_cache_path("cosmos-search") / "services" / f"{'-'.join(map(str, identity))}.json"
