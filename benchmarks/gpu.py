"""Compare the GPU paths with the CPU: embedding, searching, training, maps; nine minutes at most.

    python -m benchmarks.gpu [--out DIR] [--dry-run] [--parts embedding,vector_search,searches,training,maps]

Each part runs in its own process with a time limit; the others run also if it fails. The table is printed and written
to DIR/gpu.md. The exit status is 1 if a result differs from the CPU's beyond its tolerance, or if a part failed.
--dry-run runs every part on the CPU at toy size. benchmarks/README.md describes how to run this without a network.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from benchmarks.gpu_parts.rows import Row, Setting
from benchmarks.machine import describe_packages
from benchmarks.tables import table_lines

# In seconds, about 500 in total; the rows that a part reported before its limit are kept.
LIMITS = {"embedding": 125, "vector_search": 100, "searches": 100, "training": 140, "maps": 30}
REQUIRED = {
    "embedding": ("torch", "transformers", "ftfy"),
    "vector_search": ("torch", "faiss"),
    "searches": ("torch", "faiss", "sqlalchemy"),
    "training": ("torch", "transformers", "ftfy"),
    "maps": ("torch", "transformers", "ftfy"),
}
DRY_LIMIT = 300
SKIPPED = "skipped:"
VERSIONS = ("torch", "transformers", "faiss-cpu", "faiss-gpu", "faiss-gpu-cuvs", "onnxruntime", "onnxruntime-gpu")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="keep the table and the generated photos here; the photos are reused")
    parser.add_argument("--dry-run", action="store_true", help="run every part on the CPU at toy size")
    parser.add_argument("--parts", default=",".join(LIMITS))
    parser.add_argument("--part", choices=LIMITS, help=argparse.SUPPRESS)  # one part, in this process
    options = parser.parse_args()
    if options.part:
        setting = Setting("cpu" if options.dry_run else "cuda", options.dry_run, options.out)
        import_module(f"benchmarks.gpu_parts.{options.part}").run(setting)
        return 0
    if find_spec("torch") is None:
        parser.exit(2, "torch is not installed; every part needs it.\n")
    parts = options.parts.split(",")
    if unknown := [part for part in parts if part not in LIMITS]:
        parser.exit(2, f"There is no part {unknown[0]!r}; choose from {', '.join(LIMITS)}.\n")
    if not options.dry_run and (reason := _explain_missing_cuda()):
        parser.exit(2, f"{reason} Without a GPU: --dry-run\n")
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        return _check(parts, options.out, options.dry_run)
    with tempfile.TemporaryDirectory() as scratch:
        return _check(parts, Path(scratch), options.dry_run)


def _check(parts: list[str], out: Path, is_dry: bool) -> int:
    """Run the parts and print the table; returns 1 if a result differs or a part failed."""
    results = {part: _run_part(part, out, is_dry) for part in parts}
    table = "\n".join([_describe_device(is_dry), "", *result_lines(results), ""])
    (out / "gpu.md").write_text(table, encoding="utf-8")
    print(table)
    return 1 if any(has_failed(rows, problem) for rows, problem in results.values()) else 0


def result_lines(results: dict[str, tuple[list[Row], str]]) -> list[str]:
    """The Markdown table of each part's rows and problem ("" for none)."""
    cells = []
    verdicts = {None: "", True: "same", False: "**differs**"}
    for part, (rows, problem) in results.items():
        cells += [[part, row.what, row.figure, verdicts[row.is_within]] for row in rows]
        cells += [[part, "", problem, ""]] if problem else []
    return table_lines(["part", "what", "figure", "against the CPU"], cells)


def has_failed(rows: list[Row], problem: str) -> bool:
    """True if a result differs or the part did not finish; a skipped part has not failed."""
    return any(row.is_within is False for row in rows) or bool(problem and not problem.startswith(SKIPPED))


def _run_part(part: str, out: Path, is_dry: bool) -> tuple[list[Row], str]:
    """The rows that a part reported, and its problem, "" for none."""
    if missing := [name for name in REQUIRED[part] if find_spec(name) is None]:
        return [], f"{SKIPPED} {', '.join(missing)} is not installed"
    command = [sys.executable, "-m", "benchmarks.gpu", "--part", part, "--out", str(out)]
    command += ["--dry-run"] if is_dry else []
    limit = DRY_LIMIT if is_dry else LIMITS[part]
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1"}
    with (out / f"{part}.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, start_new_session=True
        )
        try:
            output, _ = process.communicate(timeout=limit)
            problem = "" if process.returncode == 0 else f"failed with status {process.returncode}"
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # of the part and its child processes
            output, _ = process.communicate()
            problem = f"stopped after its {limit} s"
    if problem:
        last = (out / f"{part}.log").read_text(encoding="utf-8").strip().splitlines()[-1:]
        problem = ": ".join([problem, *last]).replace("|", "/")
    return [Row(**json.loads(line)) for line in output.splitlines() if line.startswith("{")], problem


def _explain_missing_cuda() -> str | None:
    """Why CUDA cannot be used. Checked in another process, so that this one allocates no memory on the GPU."""
    code = "import torch, sys; sys.exit(0 if torch.cuda.is_available() else 1)"
    if subprocess.run([sys.executable, "-c", code], check=False).returncode == 0:
        return None
    return "PyTorch finds no CUDA device."


def _describe_device(is_dry: bool) -> str:
    """One line: GPU and driver, or the dry run; cores, Python, versions."""
    device = "dry run on the CPU" if is_dry else _describe_gpu()
    return ", ".join([device, f"{os.cpu_count()} CPU cores", *describe_packages(*VERSIONS)])


def _describe_gpu() -> str:
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        output = subprocess.run(query, capture_output=True, text=True, check=True).stdout
        name, driver = output.split("\n")[0].split(", ")
    except (OSError, subprocess.CalledProcessError, ValueError):
        return "an unknown GPU"
    return f"{name}, driver {driver}"


if __name__ == "__main__":
    sys.exit(main())
