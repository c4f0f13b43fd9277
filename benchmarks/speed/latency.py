"""A query of three sentences over many pictures with 14 regions each: time, recall@10, memory and disk.

    python -m benchmarks.speed.latency [--pictures 100000]

Made vectors (benchmarks/data/synthetic_index.py) around 2000 themes; queries at a distance from all of them, as texts
are. Recall is against exhaustive exact scoring of every picture.
"""

import argparse
import heapq
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.data.synthetic_index import SHAPE, filled_index, unit
from benchmarks.machine import describe, print_table
from cosmos_search.encoders.calibration import Calibration
from cosmos_search.retrieval.query import Query, Term
from cosmos_search.retrieval.scoring import EncodedTerm, score_pictures
from cosmos_search.retrieval.search import search
from indexer.pictures.regions import WHOLE, pyramid
from indexer.store.index import Index
from indexer.store.records import EncoderRecord

DIM = 512
N_THEMES = 2000
N_QUERIES = 20
CHUNK = 2000
BOXES = (WHOLE, *pyramid("fast", *SHAPE))


class Texts:
    """Stands for an encoder: the "text" names a query's sentence, its vector was made before."""

    name, version, dim = "made", "1", DIM
    calibration: Calibration | None = None

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self._vectors = vectors

    def fits(self, text: str) -> bool:
        return True

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._vectors[[int(text) for text in texts]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=100_000)
    n = parser.parse_args().pictures
    rng = np.random.default_rng(0)
    themes = unit(rng.standard_normal((N_THEMES, DIM)))
    sentences = unit(
        themes[rng.integers(0, N_THEMES, 3 * N_QUERIES)] + 1.5 * unit(rng.standard_normal((3 * N_QUERIES, DIM)))
    )
    encoder = Texts(sentences)
    with tempfile.TemporaryDirectory() as scratch:
        started = perf_counter()
        index = filled_index(Path(scratch, "index"), n, themes, EncoderRecord(0, "made", "1", DIM, "fast"), rng)
        print(f"filled in {perf_counter() - started:.0f} s")
        queries = [Query(tuple(Term(str(3 * i + j)) for j in range(3))) for i in range(N_QUERIES)]
        search(index, encoder, queries[0])  # type: ignore[arg-type]
        times, answers = [], []
        for query in queries:
            started = perf_counter()
            hits = search(index, encoder, query)  # type: ignore[arg-type]
            times.append(perf_counter() - started)
            answers.append({int(hit.path.stem) for hit in hits})
        exact = _exhaustive(index, sentences, N_QUERIES if n <= 200_000 else 5)
        recall = np.mean([len(a & b) / 10 for a, b in zip(answers, exact, strict=False)])
        sizes = index.size_bytes()
    print(describe("faiss-cpu", "sqlalchemy"))
    row = [f"{n:,} × {len(BOXES)}", f"{np.median(times) * 1e3:.0f} ms", f"{np.percentile(times, 95) * 1e3:.0f} ms"]
    row += [f"{recall:.3f}", f"{sizes['vectors'] / 1e9:.2f} GB", f"{sizes['catalog'] / 1e9:.2f} GB"]
    print_table(["pictures × vectors", "median", "95 %", "recall@10", "FAISS (memory)", "catalog (disk)"], [row])


def _exhaustive(index: Index, sentences: NDArray[np.float32], n_queries: int) -> list[set[int]]:
    """The best ten of the first queries, by scoring every picture."""
    best: list[list[tuple[float, int]]] = [[] for _ in range(n_queries)]
    with index.snapshot() as snapshot:
        assert snapshot is not None
        ids = snapshot.catalog.vector_ids(snapshot.encoder.id)
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK].tolist()
            (row_ids, data), *_ = snapshot.catalog.vectors_of(part, snapshot.encoder)
            rows, (_, starts) = data.astype(np.float32), np.unique(row_ids, return_index=True)
            for i in range(n_queries):
                terms = [EncodedTerm(vector) for vector in sentences[3 * i : 3 * i + 3]]
                scored = score_pictures(terms, part, rows, starts, [BOXES] * len(starts))
                candidates = [(s.score, s.picture_id - 1) for s in scored]
                best[i] = heapq.nlargest(10, best[i] + heapq.nlargest(10, candidates))
    return [{number for _, number in top} for top in best]


if __name__ == "__main__":
    main()
