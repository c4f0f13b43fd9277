"""Compare the GPU paths with the CPU: maps, searches, embedding, training, rows; six minutes at most.

    python -m benchmarks.gpu [--out DIR] [--dry-run] [--parts maps,searches,embedding,training,vector_search]

Each part runs in its own process with a time limit; the others run also if it fails. Each row is printed as soon as it
is known, and DIR/gpu.md always contains the rows so far, so a run that is stopped has not been for nothing. The exit
status is 1 if a result differs from the CPU's beyond its tolerance, or if a part failed. --dry-run runs every part on
the CPU at toy size. benchmarks/README.md describes how to run this without a network.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Timer

from benchmarks.gpu_parts.rows import Row, Setting
from benchmarks.machine import describe_packages
from benchmarks.tables import table_lines

# In seconds, 360 in total; the rows that a part reported before its limit are kept. On a machine that has just been
# started, importing torch alone took 20 s.
LIMITS = {"maps": 40, "searches": 70, "embedding": 90, "training": 100, "vector_search": 60}
REQUIRED = {
    "maps": ("torch", "transformers", "ftfy"),
    "searches": ("torch", "faiss", "sqlalchemy"),
    "embedding": ("torch", "transformers", "ftfy"),
    "training": ("torch", "transformers", "ftfy"),
    "vector_search": ("torch", "faiss"),
}
DRY_LIMIT = 300
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
    device = _describe_device(is_dry)
    found: list[tuple[str, Row]] = []
    for part in parts:
        for row in _run_part(part, out, is_dry):
            found.append((part, row))
            print(f"{part}: {row.what or 'all'}: {row.figure}", flush=True)
            table = "\n".join([device, "", *result_lines(found), ""])
            (out / "gpu.md").write_text(table, encoding="utf-8")
    print(f"\n{table}")
    return 1 if any(row.is_within is False for _, row in found) else 0


def result_lines(rows: Iterable[tuple[str, Row]]) -> list[str]:
    """The Markdown table of rows, each with the part that reported it."""
    verdicts = {None: "", True: "yes", False: "**no**"}
    cells = [[part, row.what, row.figure, verdicts[row.is_within]] for part, row in rows]
    return table_lines(["part", "what", "figure", "as on the CPU"], cells)


def _run_part(part: str, out: Path, is_dry: bool) -> Iterator[Row]:
    """The rows of a part as soon as it reports them; one more says that it was skipped, failed or was stopped."""
    if missing := [name for name in REQUIRED[part] if find_spec(name) is None]:
        yield Row("", f"skipped: {', '.join(missing)} is not installed")
        return
    command = [sys.executable, "-m", "benchmarks.gpu", "--part", part, "--out", str(out)]
    command += ["--dry-run"] if is_dry else []
    limit = DRY_LIMIT if is_dry else LIMITS[part]
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1"}
    log = out / f"{part}.log"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=file, text=True, env=environment, start_new_session=True
        )
    timer = Timer(limit, os.killpg, (process.pid, signal.SIGKILL))  # the part and its child processes
    timer.start()
    assert process.stdout is not None
    with process.stdout as lines:
        yield from (Row(**json.loads(line)) for line in lines if line.startswith("{"))
    status = process.wait()
    was_stopped = not timer.is_alive()
    timer.cancel()
    if status:
        problem = f"stopped after its {limit} s" if was_stopped else f"failed with status {status}"
        last = log.read_text(encoding="utf-8").strip().splitlines()[-1:]
        yield Row("", ": ".join([problem, *last]).replace("|", "/"), is_within=False)


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
