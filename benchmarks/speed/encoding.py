"""Pictures a second of ViT-B/32 and ViT-B/16 in each runtime, against torch fp32 and ONNX Runtime fp32, in one run.

    python -m benchmarks.speed.encoding [--networks b32,b16]

Random weights: the arithmetic is the same. Cosines are of centred vectors, on the photos in the package.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from benchmarks.machine import describe, print_table
from cosmos_search.encoders.dual_encoder import DualEncoder, PreparedCrops
from cosmos_search.encoders.load import load_encoder
from cosmos_search.encoders.onnx_export import sample_views
from cosmos_search.encoders.torch_images import TorchImages
from cosmos_search.models.store import ModelStore
from cosmos_search.network.checkpoint import save_model
from cosmos_search.network.cosmos import CosmosConfig, CosmosModel
from cosmos_search.processing.image import Preprocess
from indexer.cores import available_cores
from indexer.ingest.threads import ordered_map, workers

BATCHES = (1, 8, 32)
N_PICTURES = 64
FLOP = {"b32": 8.8e9, "b16": 35.2e9}  # a picture, counted as 2 per multiply-add (towers' linear layers and attention)

Encode = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Way:
    """A runtime, and how many callers suit it."""

    label: str
    encode: Encode
    n_callers: int


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--networks", default="b32,b16")
    networks = parser.parse_args().networks.split(",")
    torch.set_num_threads(available_cores())
    peak = _gemm_peak()
    print(describe("torch", "onnxruntime"))
    print(f"Matrix products in fp32 (torch, all cores): {peak / 1e9:.0f} GFLOP/s")
    with tempfile.TemporaryDirectory() as scratch:
        store = ModelStore(Path(scratch, "store"))
        for name in networks:
            torch.manual_seed(0)
            model = CosmosModel(CosmosConfig(patch_size=int(name[1:])))
            store.put(name, "random weights", partial(save_model, model))
            _report_images(store, name, peak)
            _report_texts(store, name)


def _report_images(store: ModelStore, name: str, peak: float) -> None:
    views = sample_views(Preprocess())[:N_PICTURES]
    rows = []
    exact: NDArray[np.float32] | None = None
    peer_rate = 0.0
    for way in _ways(store, name):
        rates = [_pictures_per_second(way, views, batch) for batch in BATCHES]
        vectors = way.encode(views[:32])
        exact = vectors if exact is None else exact
        peer_rate = max(rates) if way.label.startswith("ONNX Runtime fp32") else peer_rate
        share = max(rates) * FLOP[name] / peak
        ratio = f"{max(rates) / peer_rate:.1f}x" if peer_rate else ""
        figures = [f"{rate:.1f}" for rate in rates]
        rows.append([way.label, *figures, ratio, f"{share:.2f}", f"{_centred_cosine(exact, vectors):.4f}"])
    batches = [f"batch {batch}" for batch in BATCHES]
    header = [f"ViT-{name}, pictures/s", *batches, "against ONNX fp32", "share of peak", "cosine"]
    print()
    print_table(header, rows)


def _ways(store: ModelStore, name: str) -> Iterator[Way]:
    folder, card, n_cores = store.folder(name), store.card(name), available_cores()
    assert card is not None
    yield Way("torch fp32, all cores", TorchImages(folder, "cosmos", "cpu", "fp32").encode, 1)
    ours = DualEncoder(folder, card, "cpu", "fp32")
    assert "fp32" in ours.device
    (graph,) = folder.glob("graphs/fp32-*/image.onnx")
    session = InferenceSession(graph)
    yield Way("ONNX Runtime fp32, as it comes", lambda pixels: session.run(None, {"pixels": pixels})[0], 1)
    yield Way("cosmos-search fp32", partial(_wholes, ours), n_cores)
    yield Way("torch bf16", TorchImages(folder, "cosmos", "cpu", "bf16").encode, 1)
    small = DualEncoder(folder, card, "cpu", "int8")
    yield Way(f"cosmos-search int8 ({n_cores} callers)", partial(_wholes, small), n_cores)


def _wholes(encoder: DualEncoder, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.concatenate(encoder.encode_images([PreparedCrops(one, []) for one in pixels]))


def _pictures_per_second(way: Way, views: NDArray[np.uint8], batch: int) -> float:
    """The better of two rounds over all views."""
    batches = [views[i : i + batch] for i in range(0, len(views), batch)]
    way.encode(batches[0])
    seconds = []
    for _ in range(2):
        with workers(way.n_callers) as pool:
            started = perf_counter()
            list(ordered_map(pool, way.encode, batches, ahead=2 * way.n_callers))
            seconds.append(perf_counter() - started)
    return len(views) / min(seconds)


def _centred_cosine(exact: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    a, b = exact - exact.mean(axis=0), other - other.mean(axis=0)
    return float(np.mean((a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)))


def _report_texts(store: ModelStore, name: str) -> None:
    rows = []
    for precision in ("fp32", "int8"):
        encoder = load_encoder(name, "cpu", precision, store)
        encoder.encode_texts(["a cat"])
        started = perf_counter()
        encoder.encode_texts([f"a photo of {i} dogs on a beach" for i in range(50)])
        rate = 50 / (perf_counter() - started)
        code = "from cosmos_search.encoders.load import load_encoder; "
        code += f"load_encoder({name!r}, 'cpu', {precision!r}).encode_texts(['a cat'])"
        started = perf_counter()
        environment = os.environ | {"COSMOS_SEARCH_MODELS": str(store.place)}
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        rows.append([precision, f"{rate:.0f}", f"{perf_counter() - started:.2f} s"])
    print()
    print_table([f"ViT-{name}, texts", "texts/s, one caller", "cold process to its first vector"], rows)


def _gemm_peak(n: int = 2048) -> float:
    """FLOP/s of a large fp32 matrix product, the best of ten."""
    a, b = torch.randn(n, n), torch.randn(n, n)
    times = []
    for _ in range(10):
        started = perf_counter()
        a @ b
        times.append(perf_counter() - started)
    return 2 * n**3 / min(times)


if __name__ == "__main__":
    main()
