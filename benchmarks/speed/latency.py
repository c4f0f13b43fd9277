"""A query of three sentences over many pictures with 14 regions each: time, recall@10, memory and disk.

    python -m benchmarks.speed.latency [--pictures 100000]

Synthetic vectors (benchmarks/data/synthetic_index.py) around 2000 themes; the queries are at a distance from all of
them, as those of texts are. The baseline, for time and recall, is exact scoring of every picture.
"""

import argparse
import heapq
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.synthetic_index import SHAPE, fill_index, make_queries, make_themes
from benchmarks.machine import describe_machine
from benchmarks.tables import print_table
from cosmos_search.retrieval.scoring import EncodedTerm, score_pictures
from cosmos_search.retrieval.search import search
from indexer.pictures.regions import WHOLE, pyramid
from indexer.store.index import Index

N_QUERIES, N_SENTENCES = 20, 3
CHUNK = 2000
REGIONS = "fast"
BOXES = (WHOLE, *pyramid(REGIONS, *SHAPE))


def main() -> None:
    """Print one row: latency, its ratio to exact scoring, recall and sizes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=100_000)
    n = parser.parse_args().pictures
    rng = np.random.default_rng(0)
    themes = make_themes(rng)
    queries, encoder = make_queries(N_QUERIES, N_SENTENCES, themes, rng)
    with tempfile.TemporaryDirectory() as scratch:
        started = perf_counter()
        index = fill_index(Path(scratch, "index"), n, themes, encoder.record(REGIONS), rng)
        print(f"filled in {perf_counter() - started:.0f} s")
        search(index, encoder, queries[0])  # type: ignore[arg-type]
        times, answers = [], []
        for query in queries:
            started = perf_counter()
            hits = search(index, encoder, query)  # type: ignore[arg-type]
            times.append(perf_counter() - started)
            answers.append({int(hit.path.stem) for hit in hits})
        n_exact = N_QUERIES if n <= 200_000 else 5
        started = perf_counter()
        exact = _score_every_picture(index, encoder.vectors, n_exact)
        exact_s = (perf_counter() - started) / n_exact
        recall = np.mean([len(a & b) / 10 for a, b in zip(answers, exact, strict=False)])
        sizes = index.size_bytes()
    print(describe_machine("faiss-cpu", "sqlalchemy"))
    row = [f"{n:,} × {len(BOXES)}", f"{np.median(times) * 1e3:.0f} ms", f"{np.percentile(times, 95) * 1e3:.0f} ms"]
    row += [
        f"{exact_s / np.median(times):.1f}x",
        f"{recall:.3f}",
        f"{sizes['vectors'] / 1e9:.2f} GB",
        f"{sizes['catalog'] / 1e9:.2f} GB",
    ]
    print_table(
        ["pictures × vectors", "median", "95 %", "faster than exact", "recall@10", "FAISS (memory)", "catalog (disk)"],
        [row],
    )


def _score_every_picture(index: Index, sentences: NDArray[np.float32], n_queries: int) -> list[set[int]]:
    """The numbers of the ten best pictures of each of the first queries."""
    best: list[list[tuple[float, int]]] = [[] for _ in range(n_queries)]
    with index.snapshot() as snapshot:
        assert snapshot is not None
        ids = snapshot.catalog.vector_ids(snapshot.encoder.id)
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK].tolist()
            (row_ids, data), *_ = snapshot.catalog.vectors_of(part, snapshot.encoder)
            rows, (_, starts) = data.astype(np.float32), np.unique(row_ids, return_index=True)
            for i in range(n_queries):
                terms = [EncodedTerm(vector) for vector in sentences[N_SENTENCES * i : N_SENTENCES * (i + 1)]]
                scored = score_pictures(terms, part, rows, starts, [BOXES] * len(starts))
                candidates = [(s.score, s.picture_id - 1) for s in scored]
                best[i] = heapq.nlargest(10, best[i] + heapq.nlargest(10, candidates))
    return [{number for _, number in top} for top in best]


if __name__ == "__main__":
    main()
