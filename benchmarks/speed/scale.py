"""Time and peak memory of indexing up to 100,000 small files with a trivial encoder: how they grow with the number.

python -m benchmarks.speed.scale [--sizes 12500,25000,50000,100000]
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import cosmos_search
from benchmarks.machine import describe_machine
from benchmarks.tables import print_table
from benchmarks.timing import measure_seconds
from tests.colour import ColourEncoder

SIZES = "12500,25000,50000,100000"


def main() -> None:
    """Measure each size in a process of its own, which has its own peak of memory, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default=SIZES, help="numbers of files")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)  # measure this size in this process
    options = parser.parse_args()
    if options.one is not None:
        print(*_measure(options.one))
        return
    rows = []
    first_s_a_file: float | None = None
    for n in map(int, options.sizes.split(",")):
        command = [sys.executable, "-m", "benchmarks.speed.scale", "--one", str(n)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        first_s, second_s, peak_mb = map(float, done.stdout.split())
        first_s_a_file = first_s_a_file or first_s / n
        ratio = first_s / n / first_s_a_file
        cells = [f"{first_s:.1f} s", f"{n / first_s:.0f}", f"{ratio:.2f}x", f"{second_s:.1f} s", f"{n / second_s:.0f}"]
        rows.append([f"{n:,}", *cells, f"{peak_mb:.0f} MB"])
    print(describe_machine("sqlalchemy", "pillow"))
    header = ["files", "first run", "files/s", "time a file", "second run (nothing changed)", "files/s", "peak memory"]
    print_table(header, rows)


def _measure(n: int) -> tuple[float, float, float]:
    """Seconds of the first run and of a second one, and the peak memory in MB."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "photos")
        _make_files(folder, n)
        with cosmos_search.open(Path(scratch, "index"), encoder=ColourEncoder()) as library:
            first_s, second_s = (measure_seconds(lambda: _add(library, folder)) for _ in range(2))
    return first_s, second_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _add(library: cosmos_search.Library, folder: Path) -> None:
    report = library.add(folder)
    assert not report.failed, report.failed[:3]


def _make_files(folder: Path, n: int) -> None:
    """Write n different pictures, 1000 in each directory."""
    rng = np.random.default_rng(0)
    for i in range(n):
        directory = folder / str(i // 1000)
        directory.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(directory / f"{i}.png")


if __name__ == "__main__":
    main()
