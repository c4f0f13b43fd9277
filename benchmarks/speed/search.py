"""Latency of one query over 10 k, 100 k and 1 M vectors, against a numpy matrix product over float32, in one run.

python -m benchmarks.speed.search [--sizes 10000,100000,1000000]
"""

import argparse
from functools import partial
from statistics import median

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import describe_machine
from benchmarks.tables import print_table
from benchmarks.timing import measure_seconds
from benchmarks.vectors import unit_rows
from indexer.cores import available_cores
from indexer.store.vectors import VectorIndex

DIM = 512
SIZES = "10000,100000,1000000"
TOP = 10


def main() -> None:
    """Print one row for each number of vectors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default=SIZES, help="numbers of vectors")
    sizes = [int(n) for n in parser.parse_args().sizes.split(",")]
    faiss.omp_set_num_threads(available_cores())
    rows = [_measure_size(n) for n in sizes]
    print(describe_machine("faiss-cpu", "numpy"))
    print_table(["vectors", "numpy float32", "cosmos-search", "ratio", "same top 10", "memory"], rows)


def _measure_size(n: int) -> list[str]:
    vectors = _make_vectors(n, seed=0)
    queries = _make_vectors(20, seed=1)
    index = VectorIndex(DIM)
    for start in range(0, n, 100_000):
        part = vectors[start : start + 100_000]
        index.add(np.arange(start, start + len(part)), part.astype(np.float16))
    exact = [np.argsort(-(vectors @ q))[:TOP].tolist() for q in queries]
    ours = [index.search(q[None], TOP)[1][0].tolist() for q in queries]
    recall = np.mean([len(set(a) & set(b)) / TOP for a, b in zip(exact, ours, strict=True)])
    numpy_s = median(measure_seconds(partial(_search_with_numpy, vectors, query)) for query in queries)
    ours_s = median(measure_seconds(partial(index.search, query[None], TOP)) for query in queries)
    size_mb = n * DIM * 2 / 1e6
    times = [f"{numpy_s * 1e3:.1f} ms", f"{ours_s * 1e3:.1f} ms", f"{numpy_s / ours_s:.1f}x"]
    return [f"{n:,}", *times, f"{recall:.3f}", f"{size_mb:.0f} MB"]


def _search_with_numpy(vectors: NDArray[np.float32], query: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.argpartition(-(vectors @ query), TOP)[:TOP]


def _make_vectors(n: int, seed: int) -> NDArray[np.float32]:
    """Unit rows, clustered as real ones are: 1000 centres with noise around them."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(7).standard_normal((1000, DIM), dtype=np.float32)
    vectors = centres[rng.integers(0, 1000, n)] + rng.standard_normal((n, DIM), dtype=np.float32)
    return unit_rows(vectors)


if __name__ == "__main__":
    main()
