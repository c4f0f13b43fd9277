"""Searches a second with one, two, four and eight threads that share one index, in one run.

    python -m benchmarks.speed.throughput [--pictures 20000] [--sentences 1] [--seconds 5]

Synthetic vectors with 14 regions a picture (benchmarks/data/synthetic_index.py). The numbers of threads alternate;
each figure is the best of three rounds.
"""

import argparse
import tempfile
import threading
from itertools import count
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.data.synthetic_index import (
    SyntheticTexts,
    fill_index,
    make_queries,
    make_themed_vectors,
    make_themes,
)
from benchmarks.machine import describe_machine
from benchmarks.tables import print_table
from cosmos_search.retrieval.query import Query
from cosmos_search.retrieval.search import search
from indexer.store.index import Index

THREADS = (1, 2, 4, 8)
N_ROUNDS = 3
SHAPE, N_ROWS = (300, 300), 15  # of a picture with the regions "fast"
N_QUERIES = 20


def main() -> None:
    """Print the table of rates."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--sentences", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    themes = make_themes(rng)
    queries, encoder = make_queries(N_QUERIES, options.sentences, themes, rng)
    with tempfile.TemporaryDirectory() as scratch:
        vectors = make_themed_vectors(options.pictures, N_ROWS, themes, rng)
        index = fill_index(Path(scratch, "index"), vectors, encoder.record("fast"), SHAPE)
        search(index, encoder, queries[0])  # type: ignore[arg-type]
        best = dict.fromkeys(THREADS, 0.0)
        for _ in range(N_ROUNDS):
            for n_threads in THREADS:
                best[n_threads] = max(
                    best[n_threads], _measure_rate(index, encoder, queries, n_threads, options.seconds)
                )
    print(describe_machine("faiss-cpu", "sqlalchemy"))
    print(f"{options.pictures:,} pictures × 15 vectors, {options.sentences} sentences a query")
    rows = [[n_threads, f"{best[n_threads]:.1f}", f"{best[n_threads] / best[1]:.2f}x"] for n_threads in THREADS]
    print_table(["threads", "searches/s", "against one"], rows)


def _measure_rate(index: Index, encoder: SyntheticTexts, queries: list[Query], n_threads: int, seconds: float) -> float:
    """Searches a second of threads that take the queries in turn."""
    numbers, end = count(), perf_counter() + seconds
    done = [0] * n_threads

    def work(thread: int) -> None:
        while perf_counter() < end:
            search(index, encoder, queries[next(numbers) % len(queries)])  # type: ignore[arg-type]
            done[thread] += 1

    started = perf_counter()
    threads = [threading.Thread(target=work, args=(i,)) for i in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (perf_counter() - started)


if __name__ == "__main__":
    main()
