"""The GPU check in a dry run on the CPU, and its verdicts."""

import json
import os
import subprocess
import sys
from dataclasses import asdict

import pytest

from benchmarks import gpu
from benchmarks.gpu import LIMITS, result_lines
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


def test_the_table_says_of_each_row_whether_the_result_is_that_of_the_cpu():
    rows = [Row("cosine", "0.9", False), Row("cosine", "1.0", True), Row("images/s", "12")]
    assert result_lines([("maps", row) for row in rows])[2:] == [
        "| maps | cosine | 0.9 | **no** |",
        "| maps | cosine | 1.0 | yes |",
        "| maps | images/s | 12 |  |",
    ]


def test_rows_of_a_part_that_is_stopped_are_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "DRY_LIMIT", 1)
    monkeypatch.setattr(gpu.sys, "executable", write_program(tmp_path, Row("first", "1"), "exec sleep 60"))
    assert gpu._check(["maps"], tmp_path, True) == 1
    assert (tmp_path / "gpu.md").read_text().splitlines()[-2:] == [
        "| maps | first | 1 |  |",
        "| maps |  | stopped after its 1 s | **no** |",
    ]
    assert capsys.readouterr().out.startswith("maps: first: 1\n")


def test_a_part_that_fails_reports_its_last_message(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu.sys, "executable", write_program(tmp_path, Row("first", "1"), "echo no memory >&2; exit 3"))
    assert gpu._check(["maps"], tmp_path, True) == 1
    assert "| maps |  | failed with status 3: no memory | **no** |" in (tmp_path / "gpu.md").read_text()


def write_program(folder, row, rest):
    """A program that reports a row, as a part does."""
    program = folder / "program"
    program.write_text(f"#!/bin/sh\necho '{json.dumps(asdict(row))}'\n{rest}\n")
    program.chmod(0o755)
    return str(program)


def test_the_parts_together_take_at_most_six_minutes():
    assert sum(LIMITS.values()) <= 360


def test_without_cuda_the_check_says_so_in_one_sentence(tmp_path):
    command = [sys.executable, "-m", "benchmarks.gpu", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--dry-run" in done.stderr
