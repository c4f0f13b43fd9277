"""Divide the cores and GPUs of a cluster among workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cosmos_search.cluster_errors import ClusterError

__all__ = ["CORES_A_WORKER", "Slot", "plan_slots"]

CORES_A_WORKER = 4  # of a machine without GPUs: more cores for one worker bring less each


@dataclass(frozen=True, slots=True)
class Slot:
    """Room for one worker on a node."""

    node_id: str
    n_cores: int
    n_gpus: int  # 0 or 1


def plan_slots(nodes: Sequence[Mapping[str, Any]], cores_a_worker: int = CORES_A_WORKER) -> list[Slot]:
    """One slot for each GPU, or on a node without GPUs for each group of cores. Raises ClusterError if there is none.

    nodes: as `ray.nodes()` returns them.
    """
    slots = []
    for node in nodes:
        n_cores = int(node["Resources"].get("CPU", 0))
        n_gpus = int(node["Resources"].get("GPU", 0))
        if not node["Alive"] or not n_cores:
            continue
        n_workers = min(n_gpus, n_cores) or max(1, n_cores // cores_a_worker)
        slots += [Slot(node["NodeID"], n_cores // n_workers, min(n_gpus, 1))] * n_workers
    if not slots:
        raise ClusterError("none of its machines has cores for it")
    return slots
