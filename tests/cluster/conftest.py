"""One real Ray for all tests of the cluster, on this machine only, with a token of its own."""

import gc
import warnings

import pytest

from tests import ROOT

ray = pytest.importorskip("ray")

SETTINGS = {
    "PYTHONPATH": str(ROOT),
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "0" * 64,
    "RAY_DEDUP_LOGS": "0",
    "RAY_TQDM_PATCH_PRINT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_health_check_period_ms": "1000",  # a node that was killed is found dead within three seconds, not twelve
    "RAY_worker_niceness": "0",  # Ray's 15 leaves workers next to nothing of a busy machine
    "RAY_memory_monitor_refresh_ms": "0",  # does not end workers because other programs use the memory
}
MEMORY = 80 * 2**20  # of a node's object store


@pytest.fixture(scope="package")
def ray_cluster():
    """A cluster of one node, to which tests can add others."""
    from ray._raylet import Config
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        Config.initialize("")  # it read the variables when it was imported
        head = {"num_cpus": 4, "include_dashboard": False, "object_store_memory": MEMORY}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
        yield cluster
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # Ray does not wait for its processes to end
            ray.shutdown()
            cluster.shutdown()
            gc.collect()


@pytest.fixture
def second_node(ray_cluster):
    """Another node of the cluster, on this machine too, with two cores. It can be killed."""
    node = ray_cluster.add_node(num_cpus=2, include_dashboard=False, object_store_memory=MEMORY)
    ray_cluster.wait_for_nodes()
    yield node
    if node in ray_cluster.worker_nodes:
        ray_cluster.remove_node(node)
    ray_cluster.wait_for_nodes()  # until the head has noticed
