"""One real Ray for all tests of the cluster, on this machine only, with a token of its own."""

import gc
import warnings

import pytest

from tests import ROOT

ray = pytest.importorskip("ray")

SETTINGS = {
    "PYTHONPATH": str(ROOT),
    "RAY_AUTH_TOKEN": "0" * 64,
    "RAY_DEDUP_LOGS": "0",
    "RAY_TQDM_PATCH_PRINT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_memory_monitor_refresh_ms": "0",  # does not end workers because other programs use the memory
}


@pytest.fixture(scope="package")
def ray_cluster():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        ray.init(
            "local", num_cpus=4, include_dashboard=False, log_to_driver=False, object_store_memory=80 * 2**20,
            logging_level="ERROR",
        )  # fmt: skip
        yield
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # Ray does not wait for its processes to end
            ray.shutdown()
            gc.collect()
