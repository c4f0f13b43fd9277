"""Latency of one query over 10 k, 100 k and 1 M vectors, against a numpy matrix product over float32, in one run.

python -m benchmarks.speed.search
"""

from collections.abc import Callable
from time import perf_counter

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import describe, print_table
from indexer.cores import available_cores
from indexer.store.vectors import VectorIndex

DIM = 512
SIZES = (10_000, 100_000, 1_000_000)
TOP = 10


def main() -> None:
    faiss.omp_set_num_threads(available_cores())
    rows = [_row(n) for n in SIZES]
    print(describe("faiss-cpu", "numpy"))
    print_table(["vectors", "numpy float32", "cosmos-search", "ratio", "same top 10", "memory"], rows)


def _row(n: int) -> list[str]:
    vectors = _unit(n, seed=0)
    queries = _unit(20, seed=1)
    index = VectorIndex(DIM)
    for start in range(0, n, 100_000):
        part = vectors[start : start + 100_000]
        index.add(np.arange(start, start + len(part)), part.astype(np.float16))
    exact = [np.argsort(-(vectors @ q))[:TOP].tolist() for q in queries]
    ours = [index.search(q[None], TOP)[1][0].tolist() for q in queries]
    recall = np.mean([len(set(a) & set(b)) / TOP for a, b in zip(exact, ours, strict=True)])
    numpy_s = _median_s(lambda q: np.argpartition(-(vectors @ q), TOP)[:TOP], queries)
    ours_s = _median_s(lambda q: index.search(q[None], TOP), queries)
    size_mb = n * DIM * 2 / 1e6
    times = [f"{numpy_s * 1e3:.1f} ms", f"{ours_s * 1e3:.1f} ms", f"{numpy_s / ours_s:.1f}x"]
    return [f"{n:,}", *times, f"{recall:.3f}", f"{size_mb:.0f} MB"]


def _median_s(search: Callable[[NDArray[np.float32]], object], queries: NDArray[np.float32]) -> float:
    times = []
    for query in queries:
        started = perf_counter()
        search(query)
        times.append(perf_counter() - started)
    return float(np.median(times))


def _unit(n: int, seed: int) -> NDArray[np.float32]:
    """Clustered, as real vectors are: 1000 centres and noise around them."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(7).standard_normal((1000, DIM), dtype=np.float32)
    vectors = centres[rng.integers(0, 1000, n)] + rng.standard_normal((n, DIM), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


if __name__ == "__main__":
    main()
