"""100,000 small files with a cheap encoder: time should grow linearly and memory stay flat.

python -m benchmarks.speed.scale
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from PIL import Image

import cosmos_search
from benchmarks.machine import describe, print_table
from tests.colour import ColourEncoder

SIZES = (12_500, 25_000, 50_000, 100_000)


def main() -> None:
    """Every size in a process of its own, so that each has its own peak of memory."""
    rows = []
    for n in SIZES:
        done = subprocess.run([sys.executable, "-m", "benchmarks.speed.scale", str(n)], check=True, capture_output=True)
        rows.append(done.stdout.decode().strip().split(","))
    print(describe("sqlalchemy", "pillow"))
    print_table(["files", "first run", "files/s", "second run (nothing changed)", "files/s", "peak memory"], rows)


def measure(n: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "photos")
        _make_files(folder, n)
        with cosmos_search.open(Path(scratch, "index"), encoder=ColourEncoder()) as library:
            first, second = _timed_add(library, folder), _timed_add(library, folder)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{n},{first:.1f} s,{n / first:.0f},{second:.1f} s,{n / second:.0f},{peak_mb:.0f} MB")


def _timed_add(library: cosmos_search.Library, folder: Path) -> float:
    started = perf_counter()
    report = library.add(folder)
    assert not report.failed, report.failed[:3]
    return perf_counter() - started


def _make_files(folder: Path, n: int) -> None:
    """1000 to a directory, each picture different."""
    rng = np.random.default_rng(0)
    for i in range(n):
        directory = folder / str(i // 1000)
        directory.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(directory / f"{i}.png")


if __name__ == "__main__":
    measure(int(sys.argv[1])) if len(sys.argv) > 1 else main()
