"""Searches a second by one, two and four threads that share one library's index, in one run.

    python -m benchmarks.speed.throughput [--pictures 20000] [--sentences 1] [--seconds 5]

Made vectors with 14 regions a picture (benchmarks/data/synthetic_index.py). Rounds take turns;
the best of three counts.
"""

import argparse
import tempfile
import threading
from itertools import count
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.data.synthetic_index import filled_index, unit
from benchmarks.machine import describe, print_table
from benchmarks.speed.latency import DIM, N_QUERIES, N_THEMES, Texts
from cosmos_search.retrieval.query import Query, Term
from cosmos_search.retrieval.search import search
from indexer.store.index import Index
from indexer.store.records import EncoderRecord

THREADS = (1, 2, 4)
N_ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--sentences", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    themes = unit(rng.standard_normal((N_THEMES, DIM)))
    n = N_QUERIES * options.sentences
    sentences = unit(themes[rng.integers(0, N_THEMES, n)] + 1.5 * unit(rng.standard_normal((n, DIM))))
    queries = [
        Query(tuple(Term(str(i * options.sentences + j)) for j in range(options.sentences))) for i in range(N_QUERIES)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        made = EncoderRecord(0, "made", "1", DIM, "fast")
        index = filled_index(Path(scratch, "index"), options.pictures, themes, made, rng)
        encoder = Texts(sentences)
        search(index, encoder, queries[0])  # type: ignore[arg-type]
        best = dict.fromkeys(THREADS, 0.0)
        for _ in range(N_ROUNDS):
            for n_threads in THREADS:
                best[n_threads] = max(best[n_threads], _rate(index, encoder, queries, n_threads, options.seconds))
    print(describe("faiss-cpu", "sqlalchemy"))
    print(f"{options.pictures:,} pictures × 15 vectors, {options.sentences} sentences a query")
    rows = [[n_threads, f"{best[n_threads]:.1f}", f"{best[n_threads] / best[1]:.2f}x"] for n_threads in THREADS]
    print_table(["threads", "searches/s", "against one"], rows)


def _rate(index: Index, encoder: Texts, queries: list[Query], n_threads: int, seconds: float) -> float:
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
