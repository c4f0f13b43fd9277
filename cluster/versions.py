"""The versions of Python, Ray and this program on the machines of a cluster."""

import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

from cosmos_search.cluster_errors import ClusterVersionError

__all__ = ["NodeVersions", "check_versions", "read_versions"]


@dataclass(frozen=True, slots=True)
class NodeVersions:
    """What has to be the same on all machines."""

    node: str  # its name
    python: str
    ray: str
    program: str


def read_versions() -> NodeVersions:
    """Those of this machine."""
    return NodeVersions(platform.node(), platform.python_version(), _read("ray"), _read("cosmos-search"))


def check_versions(own: NodeVersions, others: Iterable[NodeVersions]) -> None:
    """Raise ClusterVersionError if another machine has other versions than this one."""
    names = {"python": "Python", "ray": "Ray", "program": "cosmos-search"}
    differences = [
        f"{other.node} has {name} {theirs} and {own.node} {ours}"
        for other in others
        for field, name in names.items()
        if (theirs := asdict(other)[field]) != (ours := asdict(own)[field])
    ]
    if differences:
        raise ClusterVersionError("; ".join(sorted(set(differences))))


def _read(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from its sources
        return "of unknown version"
