"""The GPU check in a dry run on the CPU, and its verdicts."""

import os
import subprocess
import sys

import pytest

from benchmarks.gpu import LIMITS, has_failed, result_lines
from benchmarks.gpu_parts.rows import Row


@pytest.mark.slow
def test_a_dry_run_finds_every_part_the_same_as_on_the_cpu(tmp_path):
    command = [sys.executable, "-m", "benchmarks.gpu", "--dry-run", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "gpu.md").read_text() in done.stdout
    for part in LIMITS:
        assert f"| {part} |" in done.stdout
        assert f"| {part} |  |" not in done.stdout, "a part that failed or was skipped"


def test_a_result_that_differs_a_failed_part_and_a_stopped_one_fail_and_a_skipped_one_does_not():
    same, figure, other = Row("cosine", "0.9999", True), Row("images/s", "12"), Row("cosine", "0.9", False)
    assert not has_failed([same, figure], "")
    assert has_failed([same, other], "")
    assert has_failed([same], "failed with status 1: RuntimeError")
    assert has_failed([same], "stopped after its 60 s")
    assert not has_failed([], "skipped: faiss is not installed")


def test_the_table_names_each_verdict_and_problem():
    rows = [Row("cosine", "0.9", False), Row("cosine", "1.0", True), Row("images/s", "12")]
    assert result_lines({"maps": (rows, "stopped after its 25 s")})[2:] == [
        "| maps | cosine | 0.9 | **differs** |",
        "| maps | cosine | 1.0 | same |",
        "| maps | images/s | 12 |  |",
        "| maps |  | stopped after its 25 s |  |",
    ]


def test_the_parts_together_take_at_most_nine_minutes():
    assert sum(LIMITS.values()) <= 540


def test_without_cuda_the_check_says_so_in_one_sentence(tmp_path):
    command = [sys.executable, "-m", "benchmarks.gpu", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--dry-run" in done.stderr
