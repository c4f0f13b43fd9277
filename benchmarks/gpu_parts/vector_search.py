"""Recall and latency of half-precision search on the device: of rows, and of pictures as searches use it."""

from functools import partial

import faiss
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.gpu_parts.measure import measure_rate
from benchmarks.gpu_parts.rows import Setting, report
from benchmarks.timing import measure_seconds
from cosmos_search.retrieval.gpu_rows import MARGIN
from cosmos_search.retrieval.gpu_search import GpuSearch
from indexer.store.estimator import Estimator
from indexer.store.picture_rows import PictureRows
from indexer.store.vectors import Estimates, Vectors

DIM = 512
SIZES = (1_500_000, 15_000_000)
DRY_SIZES = (20_000,)
CHUNK = 500_000
N_QUERIES = 8
TOP = 10
N_ROWS = 15  # of a picture: its global vector and those of 14 regions
ALLOWED = 100  # every so many pictures pass the filter
MIN_RECALL = 0.99
TIE = 5e-4  # of inner products: the rounding error of fp16


def run(setting: Setting) -> None:
    """Report recall@10 against the CPU's index, or exact scores, and the time of one query, at each size."""
    has_gpu_index = hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0
    for n in DRY_SIZES if setting.is_dry else SIZES:
        rows, queries = _make_rows(n, setting.device)
        wanted = _search_on_cpu(rows, queries, n)
        if has_gpu_index and setting.device == "cuda":
            _search_with_faiss(rows, queries, n, wanted)
        _search_with_torch(rows, queries, n, wanted, setting.device)
        exact, host, texts = _score_pictures(rows, queries), rows.cpu().numpy(), queries.cpu().numpy()
        del rows  # before the same rows are uploaded by the search
        _search_pictures(host, texts, exact, setting.device)


def _make_rows(n: int, device: str) -> tuple[Tensor, Tensor]:
    """Unit rows (n, dim) in fp16 and queries (8, dim) in fp32 near some of them, on the device."""
    generator = torch.Generator(device).manual_seed(0)
    rows = torch.empty(n, DIM, dtype=torch.float16, device=device)
    for start in range(0, n, CHUNK):
        part = torch.randn(min(CHUNK, n - start), DIM, generator=generator, device=device)
        rows[start : start + len(part)] = torch.nn.functional.normalize(part, dim=-1).half()
    queries = rows[:: n // N_QUERIES][:N_QUERIES].float()
    queries = queries + 0.05 * torch.randn(queries.shape, generator=generator, device=device)
    return rows, torch.nn.functional.normalize(queries, dim=-1)


def _search_on_cpu(rows: Tensor, queries: Tensor, n: int) -> NDArray[np.int64]:
    index = faiss.IndexScalarQuantizer(DIM, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)

    def build() -> None:
        for start in range(0, n, CHUNK):
            index.add(rows[start : start + CHUNK].float().cpu().numpy())

    build_s = measure_seconds(build)
    host = queries.cpu().numpy()
    speed = measure_rate(lambda: index.search(host[:1], TOP), 1, "cpu")
    report(f"{n:,} × {DIM}, FAISS on the CPU (fp16)", f"{1000 / speed:.1f} ms a query, built in {build_s:.1f} s")
    found: NDArray[np.int64] = index.search(host, TOP)[1]
    return found


def _search_with_faiss(rows: Tensor, queries: Tensor, n: int, wanted: NDArray[np.int64]) -> None:
    config = faiss.GpuIndexFlatConfig()
    config.useFloat16 = True
    index = faiss.GpuIndexFlatIP(faiss.StandardGpuResources(), DIM, config)
    for start in range(0, n, CHUNK):
        index.add(rows[start : start + CHUNK].float().cpu().numpy())
    host = queries.cpu().numpy()
    speed = measure_rate(lambda: index.search(host[:1], TOP), 1, "cuda")
    found = index.search(host, TOP)[1]
    _report_recall(f"{n:,} × {DIM}, FAISS on the GPU (flat fp16)", rows, queries, wanted, found, speed)


def _search_with_torch(rows: Tensor, queries: Tensor, n: int, wanted: NDArray[np.int64], device: str) -> None:
    """The matrix product and its top ten, whose time is bound by memory bandwidth."""

    def search(some: Tensor) -> Tensor:
        return torch.topk(some.half() @ rows.T, TOP, dim=1).indices

    speed = measure_rate(lambda: search(queries[:1]), 1, device)
    found = search(queries).cpu().numpy()
    _report_recall(f"{n:,} × {DIM}, product in torch (fp16)", rows, queries, wanted, found, speed)
    report(f"{n:,} × {DIM}, bandwidth of that product", f"{2 * n * DIM * speed / 1e9:.0f} GB/s")


def _search_pictures(
    rows: NDArray[np.float16], queries: NDArray[np.float32], exact: NDArray[np.float32], device: str
) -> None:
    """The estimates of all pictures that a library with an open index asks for. exact: (queries, pictures)."""
    n = exact.shape[1]
    starts = np.arange(n) * N_ROWS
    parts = [PictureRows(np.arange(1, n + 1), starts, np.full(n, N_ROWS), rows)]
    vectors = Vectors(parts, [], None, np.arange(n + 1) > 0, has_removed=False)
    gpu = GpuSearch(device)

    def upload() -> None:
        for _ in range(2):  # the second search starts it
            gpu.estimate(1, vectors, queries[:1], np.ones(1, dtype=np.float32), None, None)
        gpu.wait()

    what = f"{n:,} pictures × {N_ROWS} × {DIM}"
    report(f"{what}, upload", f"{measure_seconds(upload):.1f} s; searches run on {gpu.device}")
    try:
        for n_sentences, allowed in ((1, None), (3, None), (3, np.arange(1, n + 1, ALLOWED))):
            searched = partial(_estimate, gpu, vectors, allowed)
            passing = "all" if allowed is None else f"1 in {ALLOWED}"
            speed = measure_rate(partial(searched, queries[:n_sentences]), 1, device)
            groups = [slice(i, i + n_sentences) for i in range(len(queries) - n_sentences + 1)]
            hits = [_find_correct(searched(queries[g]), exact[g].mean(axis=0), allowed) for g in groups]
            recall = float(np.mean(np.concatenate(hits)))
            figure = f"{1000 / speed:.2f} ms a query, recall@{TOP} {recall:.3f}"
            report(f"{what}, sentences: {n_sentences}, pictures that pass: {passing}", figure, recall >= MIN_RECALL)
        largest = max(
            _find_error(_estimate(gpu, vectors, None, q[None]), e) for q, e in zip(queries, exact, strict=True)
        )
        report(f"{what}, largest error of an estimate", f"{largest:.1e}", largest <= MARGIN)
    finally:
        gpu.close()


def _estimate(
    gpu: Estimator, vectors: Vectors, allowed: NDArray[np.int64] | None, queries: NDArray[np.float32]
) -> Estimates:
    weights = np.full(len(queries), 1 / len(queries), dtype=np.float32)
    estimates = gpu.estimate(1, vectors, queries, weights, allowed, None)
    assert estimates is not None, gpu.device
    return estimates


def _find_correct(
    estimates: Estimates, exact: NDArray[np.float32], allowed: NDArray[np.int64] | None
) -> NDArray[np.bool_]:
    """For each of the ten pictures with the highest estimates, whether its exact score is one of the ten best."""
    best = estimates.ids[np.argsort(-estimates.scores)[:TOP]] - 1
    tenth = np.sort(exact if allowed is None else exact[allowed - 1])[-TOP]
    correct: NDArray[np.bool_] = exact[best] >= tenth - TIE
    return correct


def _find_error(estimates: Estimates, exact: NDArray[np.float32]) -> float:
    """The largest difference from an exact score."""
    return float(np.abs(estimates.scores - exact[estimates.ids - 1]).max())


def _score_pictures(rows: Tensor, queries: Tensor) -> NDArray[np.float32]:
    """The exact scores in fp32 of pictures that each have N_ROWS rows: (queries, pictures)."""
    n = len(rows) // N_ROWS
    step = CHUNK // N_ROWS
    scores = []
    for first in range(0, n, step):
        some = rows[first * N_ROWS : min(n, first + step) * N_ROWS].float()
        scores.append((some @ queries.T).reshape(-1, N_ROWS, len(queries)).amax(dim=1))
    found: NDArray[np.float32] = torch.cat(scores).T.cpu().numpy()
    return found


def _report_recall(
    what: str, rows: Tensor, queries: Tensor, wanted: NDArray[np.int64], found: NDArray[np.int64], speed: float
) -> None:
    """Report recall@10. A row is correct if its score in fp32 is at most TIE below that of the CPU's tenth row."""
    scores, ours = (_compute_exact_scores(rows, queries, ids) for ids in (wanted, found))
    recall = float((ours >= scores.min(axis=1, keepdims=True) - TIE).mean())
    report(what, f"{1000 / speed:.2f} ms a query, recall@{TOP} {recall:.3f}", recall >= MIN_RECALL)


def _compute_exact_scores(rows: Tensor, queries: Tensor, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """(queries, top): inner products in fp32."""
    some = rows[torch.from_numpy(ids).to(rows.device)].float()  # (queries, top, dim)
    scores: NDArray[np.float32] = (some @ queries[:, :, None])[:, :, 0].cpu().numpy()
    return scores
