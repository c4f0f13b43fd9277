"""Connect this process to a Ray cluster."""

import logging
import os
import re
import socket
from typing import Any

from cluster.versions import NodeVersions, check_versions, read_versions
from cosmos_search.cluster_errors import (
    ClusterAddressError,
    ClusterError,
    ClusterTokenError,
    ClusterVersionError,
    NoClusterError,
)
from cosmos_search.extras import require_extra
from indexer.errors import CosmosSearchError

__all__ = ["connect", "disconnect", "first_sentence", "list_nodes"]

ADDRESS = re.compile(r"auto|local|(ray://)?[^/:\s]+:\d{1,5}")
PORT_TIMEOUT_S = 10.0
TIMEOUT_S = 60.0  # until each machine has started a process and answered
OLDEST = (2, 60)  # the first with token authentication by default

log = logging.getLogger(__name__)


def connect(address: str) -> None:
    """Connect to the cluster at `address`; does nothing in a process that is connected.

    address: "auto": the cluster that this machine is part of; "local": a new one, of this machine only, which ends with
    this process; "ray://head:10001": a cluster that this machine is not part of.
    Raises ClusterAddressError, NoClusterError, ClusterVersionError, ClusterTokenError, ClusterError, or
    MissingExtraError.
    """
    if not ADDRESS.fullmatch(address):
        raise ClusterAddressError(address)
    require_extra("A cluster", "cluster", "ray")
    os.environ["RAY_TQDM_PATCH_PRINT"] = "0"  # Ray would replace Python's print in this process
    if address != "local":
        # Attempts of Ray: it makes 20, also with a wrong token, and each takes 40 s if nothing answers.
        os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "1")
    if ":" in address:
        _check_port(address)
    import ray
    from ray.exceptions import AuthenticationError

    if ray.is_initialized():
        return
    _log_reports()
    if tuple(map(int, ray.__version__.split(".")[:2])) < OLDEST:
        raise ClusterVersionError(f"this one has Ray {ray.__version__}, and 2.60 or later is needed")
    try:
        ray.init(
            address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            include_dashboard=False if address == "local" else None,
        )
    except AuthenticationError as error:
        raise ClusterTokenError(address) from error
    except Exception as error:  # Ray raises ConnectionError, RuntimeError, ValueError, and those of gRPC
        raise _explain(error, address) from error
    try:
        check_versions(read_versions(), _ask_nodes())
    except CosmosSearchError:
        ray.shutdown()
        raise


def disconnect() -> None:
    """Leave the cluster; the actors of this process end."""
    import ray

    ray.shutdown()


def list_nodes() -> list[dict[str, Any]]:
    """The machines of the cluster, with "NodeID", "Alive" and "Resources"."""
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return nodes


def first_sentence(error: Exception) -> str:
    """What Ray's error says first, in one line: it goes on with logs of its processes."""
    text = " ".join(str(error).split())
    return re.split(r"[.:] ", text)[0].rstrip(".") or type(error).__name__


def _ask_nodes() -> list[NodeVersions]:
    """The versions on each machine that answers. Raises ClusterError if none does, or if one lacks this program."""
    import ray
    from ray.exceptions import GetTimeoutError, RayError, RayTaskError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    task = ray.remote(read_versions)
    asked = [
        task.options(
            num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote()
        for node in list_nodes()
        if node["Alive"]
    ]
    ray.wait(asked, num_returns=len(asked), timeout=TIMEOUT_S)
    found, problem = [], "none of its machines answers"
    for answer in asked:
        try:
            found.append(ray.get(answer, timeout=0))
        except RayTaskError as error:
            raise ClusterError(f"one of its machines can't run this program ({first_sentence(error.cause)})") from error
        except GetTimeoutError:
            continue
        except RayError as error:  # it was lost meanwhile
            problem = first_sentence(error)
    if not found:
        raise ClusterError(problem)
    return found


def _log_reports() -> None:
    """Keep Ray from printing what it reports of its processes on stdout, which is for results."""
    from ray._private import worker

    worker.print_to_stdstream = lambda data, ignore_prefix: log.info("%s", "\n".join(data["lines"]))


def _check_port(address: str) -> None:
    """Raise NoClusterError if nothing listens there, for which Ray would wait."""
    host, port = address.removeprefix("ray://").rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=PORT_TIMEOUT_S).close()
    except (OSError, OverflowError) as error:
        raise NoClusterError(address, getattr(error, "strerror", None) or str(error)) from error


def _explain(error: Exception, address: str) -> Exception:
    text = " ".join(str(error).split())
    if "ersion mismatch" in text:
        return ClusterVersionError(text.rstrip("."))
    cause: BaseException | None = error
    while cause is not None:  # Ray quotes the first error in a second one, and hides both behind a third
        if "Unauthenticated" in str(cause) or "AuthenticationError" in str(cause):
            return ClusterTokenError(address)
        cause = cause.__cause__ or cause.__context__
    return NoClusterError(address, text.split(". ")[0].rstrip(".") or type(error).__name__)
