"""The errors of the package `cluster`, as records. They are here because the command line adds advice to them."""

from dataclasses import dataclass
from pathlib import Path

from indexer.errors import CosmosSearchError, UsageError
from indexer.plural import count

__all__ = [
    "ClusterAddressError",
    "ClusterError",
    "ClusterFolderError",
    "ClusterPlaceError",
    "ClusterTokenError",
    "ClusterVersionError",
    "MissingShardsError",
    "NoClusterError",
]


@dataclass(eq=False)
class ClusterPlaceError(UsageError):
    """The index is in a directory, which several machines can't share."""

    place: Path

    def __str__(self) -> str:
        return (
            f"The index at {self.place} is in a directory, and a cluster needs one on a PostgreSQL server: "
            "postgresql://USER@HOST/DATABASE."
        )


@dataclass(eq=False)
class ClusterAddressError(UsageError):
    """The address of a cluster is not valid."""

    address: str

    def __str__(self) -> str:
        return f"{self.address!r} is not the address of a Ray cluster; use auto, local or ray://HOST:10001."


@dataclass(eq=False)
class NoClusterError(CosmosSearchError):
    """No Ray cluster answers at an address."""

    address: str
    reason: str

    def __str__(self) -> str:
        return f"There is no Ray cluster at {self.address} ({self.reason})."


@dataclass(eq=False)
class ClusterVersionError(CosmosSearchError):
    """The machines of a cluster have different versions of Ray, Python or this program."""

    reason: str

    def __str__(self) -> str:
        return f"All machines of a cluster need the same versions of this program, Ray and Python: {self.reason}."


@dataclass(eq=False)
class ClusterTokenError(CosmosSearchError):
    """The cluster refuses the token of this machine, or this machine has none."""

    address: str

    def __str__(self) -> str:
        return (
            f"The Ray cluster at {self.address} refuses this machine's token; all machines need the same one, in "
            "~/.ray/auth_token or RAY_AUTH_TOKEN."
        )


@dataclass(eq=False)
class ClusterError(CosmosSearchError):
    """The cluster has no machine that can do the work."""

    problem: str

    def __str__(self) -> str:
        return f"The Ray cluster can't be used: {self.problem}."


@dataclass(eq=False)
class ClusterFolderError(CosmosSearchError):
    """A folder is not there on one of the machines."""

    path: Path
    node: str

    def __str__(self) -> str:
        return f"The folder {self.path} is not there on {self.node}; every machine needs it at the same path."


@dataclass(eq=False)
class MissingShardsError(CosmosSearchError):
    """A warning: some shards did not answer, so a part of the pictures was not searched."""

    missing: tuple[int, ...]  # their numbers, from 0
    n_shards: int

    def __str__(self) -> str:
        numbers = ", ".join(map(str, self.missing))
        share = 100 * len(self.missing) / self.n_shards
        shards = f"{len(self.missing)} of {count(self.n_shards, 'shard')}"
        return f"About {share:.0f} % of the pictures were not searched: {shards} did not answer (number {numbers})."
