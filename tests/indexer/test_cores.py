import os

import pytest

from indexer.cores import available_cores


@pytest.mark.parametrize(("limit", "n_cores"), [("100000 100000", 1), ("50000 100000", 1), ("150000 100000", 2)])
def test_a_containers_quota_counts(tmp_path, limit, n_cores):
    (tmp_path / "cpu.max").write_text(limit)
    assert available_cores(tmp_path / "cpu.max") == min(n_cores, len(os.sched_getaffinity(0)))


def test_no_quota_leaves_what_the_scheduler_allows(tmp_path):
    (tmp_path / "cpu.max").write_text("max 100000")
    assert available_cores(tmp_path / "cpu.max") == len(os.sched_getaffinity(0))
    assert available_cores(tmp_path / "missing") == len(os.sched_getaffinity(0))
