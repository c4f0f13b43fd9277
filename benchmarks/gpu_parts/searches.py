"""Whole searches of an open index: recall and time with the vectors on the device, and with the CPU's candidates."""

from collections.abc import Sequence

import numpy as np

from benchmarks.data.synthetic_index import (
    SyntheticTexts,
    add_pictures,
    fill_index,
    make_mixed_vectors,
    make_queries,
    make_themes,
)
from benchmarks.gpu_parts.rows import Setting, report
from benchmarks.search_cases import CASES, SHAPE, TOP, CaseResult, measure_searches
from cosmos_search.retrieval.gpu_search import GpuSearch
from indexer.store.index import Index
from indexer.store.vectors import EXACT_ROWS

N_ROWS = 15  # of a picture
N_PICTURES, DRY_PICTURES = 60_000, 2 * EXACT_ROWS // N_ROWS  # all are scored exactly if there are fewer
N_ADDED = 500
N_QUERIES = 8
N_THEMES = 400
DIM = 512
MIN_RECALL = 0.99


def run(setting: Setting) -> None:
    """Report the searches of each kind, then of the first ones after pictures were added."""
    rng = np.random.default_rng(0)
    themes = make_themes(rng, N_THEMES, DIM)
    queries = make_queries(N_QUERIES, 3, themes, rng)[1].vectors.reshape(N_QUERIES, 3, DIM)
    n = DRY_PICTURES if setting.is_dry else N_PICTURES
    place = setting.scratch / f"index-{n}"
    if not Index.is_at(place):
        encoder = SyntheticTexts(np.zeros((1, DIM), dtype=np.float32)).record("fast")
        fill_index(place, make_mixed_vectors(n, N_ROWS, themes, rng), encoder, SHAPE).close()
    index = Index.open(place)
    try:
        by_cpu = measure_searches(index, queries, CASES)
        gpu = index.estimator = GpuSearch(setting.device)
        measure_searches(index, queries[:1], CASES[:1])  # searches twice, and the second search starts the upload
        gpu.wait()
        what = f"{n:,} pictures × {N_ROWS} × {DIM}"
        _report(what, measure_searches(index, queries, CASES), by_cpu)
        add_pictures(index, make_mixed_vectors(N_ADDED, N_ROWS, themes, rng), SHAPE, first=n)
        _report(f"{what}, {N_ADDED} added", measure_searches(index, queries, CASES[:2]), by_cpu[:2])
        report(f"{what}, searches ran on", gpu.device, not gpu.device.startswith("cpu;"))
    finally:
        index.close()


def _report(what: str, results: Sequence[CaseResult], by_cpu: Sequence[CaseResult]) -> None:
    for one, other in zip(results, by_cpu, strict=True):
        recall, times = float(np.mean(one.recalls)), [float(np.median(each.ms)) for each in (one, other)]
        figure = f"{times[0]:.1f} ms, with the CPU's candidates {times[1]:.1f} ms, recall@{TOP} {recall:.3f}"
        report(f"{what}, {one.case.name}", figure, recall >= MIN_RECALL)
