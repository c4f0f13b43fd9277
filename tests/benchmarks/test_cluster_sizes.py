"""The arithmetic of benchmarks/speed/cluster_sizes.py against numbers computed by hand."""

import pytest

from benchmarks.speed.cluster_sizes import ShardConstants, estimate_sizes


def test_constants_are_fitted_to_two_sizes():
    found = ShardConstants.fit(
        4000, 13.0, 80_000_000, 4_000_000,
        whole={"1 sentence": 0.010, "3 sentences": 0.050}, quarter={"1 sentence": 0.010, "3 sentences": 0.020},
        peaks_mb={1: 240.0, 2: 220.0, 4: 210.0},
    )  # fmt: skip
    assert (found.catalog_kb, found.disk_kb, found.codes_kb) == (13.0, 20.0, 1.0)
    assert found.process_mb == pytest.approx(200.0)
    assert found.query_us_a_picture == pytest.approx(10.0)
    assert found.query_s == pytest.approx(0.010)


def test_machines_follow_from_what_is_needed_most():
    header, rows = estimate_sizes(ShardConstants(10.0, 20.0, 1.0, 200.0, 0.01, 2.0))
    assert len(header) == len(rows[0])
    # 10 million: 200 GB of disk, 10.4 GB of memory, 20.02 core-seconds at one query a second on half of 16 cores.
    assert rows[0] == ["10 million", "0.10 TB", "2", "0.20 TB", "10 GB", "20.0", "3", "cores", "1.0x"]
    assert rows[2][-3:] == ["251", "cores", "83.7x"]
    disk = estimate_sizes(ShardConstants(10.0, 20.0, 0.1, 200.0, 0.0, 0.0))[1]
    assert disk[2][-3:] == ["5", "disk", "5.0x"]
