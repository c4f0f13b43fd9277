"""Pictures a second of ViT-B/32 and ViT-B/16 in each runtime, against torch fp32 and ONNX Runtime fp32, in one run.

    python -m benchmarks.speed.encoding [--networks b32,b16] [--pictures 64]

The weights are random: they do not change the arithmetic. Cosines are of centred vectors, on the photos in the package.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from benchmarks.machine import describe_machine
from benchmarks.tables import print_table
from benchmarks.timing import measure_python_process, measure_seconds
from benchmarks.vectors import centred_cosine
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
N_TEXTS = 50
FLOP = {"b32": 8.8e9, "b16": 35.2e9}  # a picture: the tower's linear layers and attention, 2 for each multiply-add

Encode = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Runtime:
    """A way to encode images. n_callers: threads that call it at the same time."""

    label: str
    encode: Encode
    n_callers: int


def main() -> None:
    """Print tables of image rates and of text rates for each network."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--networks", default="b32,b16")
    parser.add_argument("--pictures", type=int, default=64, help="at most 66, the number of sample views")
    options = parser.parse_args()
    torch.set_num_threads(available_cores())
    peak = _measure_peak_flops()
    print(describe_machine("torch", "onnxruntime"))
    print(f"Matrix products in fp32 (torch, all cores): {peak / 1e9:.0f} GFLOP/s")
    with tempfile.TemporaryDirectory() as scratch:
        store = ModelStore(Path(scratch, "store"))
        for name in options.networks.split(","):
            torch.manual_seed(0)
            model = CosmosModel(CosmosConfig(patch_size=int(name[1:])))
            store.put(name, "random weights", partial(save_model, model))
            _report_images(store, name, options.pictures, peak)
            _report_texts(store, name)


def _report_images(store: ModelStore, name: str, n_pictures: int, peak: float) -> None:
    views = sample_views(Preprocess())[:n_pictures]
    rows = []
    exact: NDArray[np.float32] | None = None
    peer_rate = 0.0
    for runtime in _open_runtimes(store, name):
        rates = [_measure_rate(runtime, views, batch) for batch in BATCHES]
        vectors = runtime.encode(views[:32])
        exact = vectors if exact is None else exact
        peer_rate = max(rates) if runtime.label.startswith("ONNX Runtime fp32") else peer_rate
        share = max(rates) * FLOP[name] / peak
        ratio = f"{max(rates) / peer_rate:.1f}x" if peer_rate else ""
        figures = [f"{rate:.1f}" for rate in rates]
        rows.append([runtime.label, *figures, ratio, f"{share:.2f}", f"{centred_cosine(exact, vectors):.4f}"])
    batches = [f"batch {batch}" for batch in BATCHES]
    header = [f"ViT-{name}, pictures/s", *batches, "against ONNX fp32", "share of peak", "cosine"]
    print()
    print_table(header, rows)


def _open_runtimes(store: ModelStore, name: str) -> Iterator[Runtime]:
    folder, card, n_cores = store.folder(name), store.card(name), available_cores()
    assert card is not None
    yield Runtime("torch fp32, all cores", TorchImages(folder, "cpu", "fp32").encode, 1)
    ours = DualEncoder(folder, card, "cpu", "fp32")
    assert "fp32" in ours.device
    (graph,) = folder.glob("graphs/fp32-*/image.onnx")
    session = InferenceSession(graph)
    yield Runtime("ONNX Runtime fp32, default options", lambda pixels: session.run(None, {"pixels": pixels})[0], 1)
    yield Runtime("cosmos-search fp32", partial(_encode_pictures, ours), n_cores)
    yield Runtime("torch bf16", TorchImages(folder, "cpu", "bf16").encode, 1)
    small = DualEncoder(folder, card, "cpu", "int8")
    yield Runtime(f"cosmos-search int8 ({n_cores} callers)", partial(_encode_pictures, small), n_cores)


def _encode_pictures(encoder: DualEncoder, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.concatenate(encoder.encode_images([PreparedCrops(one, []) for one in pixels]))


def _measure_rate(runtime: Runtime, views: NDArray[np.uint8], batch: int) -> float:
    """Pictures a second: the better of two rounds over all views."""
    batches = [views[i : i + batch] for i in range(0, len(views), batch)]
    runtime.encode(batches[0])
    with workers(runtime.n_callers) as pool:
        ahead = 2 * runtime.n_callers
        seconds = [measure_seconds(lambda: list(ordered_map(pool, runtime.encode, batches, ahead))) for _ in range(2)]
    return len(views) / min(seconds)


def _report_texts(store: ModelStore, name: str) -> None:
    rows = []
    for precision in ("fp32", "int8"):
        encoder = load_encoder(name, "cpu", precision, store)
        encoder.encode_texts(["a cat"])
        texts = [f"a photo of {i} dogs on a beach" for i in range(N_TEXTS)]
        rate = N_TEXTS / measure_seconds(partial(encoder.encode_texts, texts))
        code = "from cosmos_search.encoders.load import load_encoder; "
        code += f"load_encoder({name!r}, 'cpu', {precision!r}).encode_texts(['a cat'])"
        seconds = measure_python_process(code, variables={"COSMOS_SEARCH_MODELS": str(store.place)})
        rows.append([precision, f"{rate:.0f}", f"{seconds:.2f} s"])
    print()
    print_table([f"ViT-{name}, texts", "texts/s, one caller", "new process to its first vector"], rows)


def _measure_peak_flops(n: int = 2048) -> float:
    """FLOP/s of a large fp32 matrix product, the best of ten."""
    a, b = torch.randn(n, n), torch.randn(n, n)
    return 2 * n**3 / min(measure_seconds(lambda: a @ b) for _ in range(10))


if __name__ == "__main__":
    main()
