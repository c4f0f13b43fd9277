"""Export a model's towers to ONNX, quantise them to int8, and compare both precisions on real photos.

The exporter is torch's older one (`dynamo=False`), because the newer one needs onnxscript and is slower.
"""

import json
import logging
import shutil
import warnings
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic
from PIL import Image
from torch import nn

from cosmos_search.encoders.calibration import Calibration, fit, from_sigmoid
from cosmos_search.encoders.onnx_session import open_session
from cosmos_search.encoders.precision_check import ExportedPrecision, PrecisionCheck
from cosmos_search.models.store import ModelCard
from cosmos_search.network.families.family import Sigmoid
from cosmos_search.network.families.registry import FAMILIES
from cosmos_search.network.towers import load_networks
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import TextTokenizer

__all__ = ["make_graphs", "move_graph", "quantise", "sample_views"]

OPSET = 17
MIN_AUROC = 0.8  # of captions against photos; below it scores are not calibrated
QUANTISED = ["MatMul", "Gemm", "Gather"]  # int8 convolutions (of patches) are not faster
VIEWS = ((0, 0, 1, 1), (0, 0, 0.6, 0.6), (0.4, 0, 1, 0.6), (0, 0.4, 0.6, 1), (0.4, 0.4, 1, 1), (0.2, 0.2, 0.8, 0.8))

log = logging.getLogger(__name__)


def make_graphs(folder: Path, card: ModelCard, target: Path, precision: ExportedPrecision | Literal["auto"]) -> None:
    """Write the graphs of both towers, choice.json, and calibration.json if scores can be calibrated, to a new folder.

    precision: "auto" is int8 if it agrees closely enough with fp32, else fp32.
    """
    target.mkdir()
    exact, small = target / "fp32", target / "int8"
    exact.mkdir()
    sigmoid = _export(folder, card, exact)
    choice = PrecisionCheck("fp32")
    if precision != "fp32":
        small.mkdir()
        for graph in exact.glob("*.onnx"):
            quantise(graph, small / graph.name)
        choice = _compare(folder, card, exact, small)
        if precision == "auto" and not choice.is_accurate:
            log.warning("int8 is not accurate enough for this model (%s); it runs in fp32.", choice)
            choice = PrecisionCheck("fp32", choice.centred_cosine, choice.top1_agreement)
    for graph in (small if choice.precision == "int8" else exact).iterdir():
        graph.rename(target / graph.name)
    shutil.rmtree(exact)
    if small.exists():
        shutil.rmtree(small)
    choice.save(target)
    if (curve := _calibrate(folder, card, target, sigmoid)) is not None:
        curve.save(target / "calibration.json")


def _export(folder: Path, card: ModelCard, target: Path) -> Sigmoid | None:
    """Write the graphs of both towers; returns the network's own probabilities, if it has any."""
    image, text = load_networks(folder)
    pixels = torch.zeros(2, card.image_side, card.image_side, 3, dtype=torch.uint8)
    _export_one(image, pixels, "pixels", {0: "n"}, target / "image.onnx")
    if card.has_small_crops:
        crops = torch.zeros(2, card.crop_side, card.crop_side, 3, dtype=torch.uint8)
        _export_one(image, crops, "pixels", {0: "n"}, target / "crops.onnx")
    ids = torch.ones(2, 5, dtype=torch.int64)
    _export_one(text, ids, "ids", {0: "n", 1: "length"}, target / "text.onnx")
    return FAMILIES[card.kind].sigmoid(image.model)


def _export_one(network: nn.Module, example: torch.Tensor, name: str, axes: dict[int, str], target: Path) -> None:
    scratch = target.parent / "scratch"
    scratch.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the older exporter, and about traced shapes
        torch.onnx.export(
            network,
            (example,),
            str(scratch / target.name),
            input_names=[name],
            output_names=["vectors"],
            dynamic_axes={name: axes, "vectors": {0: "n"}},
            opset_version=OPSET,
            dynamo=False,
        )
    move_graph(scratch / target.name, target)
    shutil.rmtree(scratch)


def move_graph(graph: Path, target: Path) -> None:
    """Move a graph. One above the 2 GiB of a protobuf has its tensors in files beside it, which become one file.

    The names that torch gives these files are not unique among graphs.
    """
    if not _has_external_data(graph):
        graph.rename(target)
        return
    onnx.save(onnx.load(graph), target, save_as_external_data=True, location=f"{target.name}.data")


def _has_external_data(graph: Path) -> bool:
    tensors = onnx.load(graph, load_external_data=False).graph.initializer
    return any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in tensors)


def quantise(graph: Path, target: Path) -> None:
    """Quantise weights in advance and activations at run time (dynamic), which needs no calibration data."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # suppresses the advice to pre-process the graph, which has no effect here
    try:
        # One scale per column: queries, keys and values are packed in one matrix and differ in magnitude
        quantize_dynamic(
            graph,
            target,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=QUANTISED,
            per_channel=True,
            use_external_data_format=_has_external_data(graph),
        )
    finally:
        root.setLevel(level)


def _compare(folder: Path, card: ModelCard, exact: Path, small: Path) -> PrecisionCheck:
    """Compare both precisions on views of the photos in this package and on their captions."""
    views = sample_views(Preprocess.load(folder / "preprocessor_config.json"))
    captions = _read_captions(folder, card)
    images, texts = _encode(exact, views, captions)
    images8, texts8 = _encode(small, views, captions)
    centred, centred8 = images - images.mean(axis=0), images8 - images8.mean(axis=0)
    norms = np.linalg.norm(centred, axis=1) * np.linalg.norm(centred8, axis=1)
    cosine = float(np.mean((centred * centred8).sum(axis=1) / np.maximum(norms, 1e-12)))
    scores = texts @ images.T  # (captions, views)
    first8 = (texts8 @ images8.T).argmax(axis=1)
    lost = scores.max(axis=1) - scores[np.arange(len(scores)), first8]
    cosine = round(float(np.nan_to_num(cosine)), 5)
    return PrecisionCheck("int8", cosine, float((lost <= 0.05 * scores.std(axis=1)).mean()))


def _calibrate(folder: Path, card: ModelCard, graphs: Path, sigmoid: Sigmoid | None) -> Calibration | None:
    """The network's own probabilities, or a curve fitted on the scores of captions with the best view of each photo.

    None if those scores do not separate matching pairs.
    """
    views = sample_views(Preprocess.load(folder / "preprocessor_config.json"))
    captions = _read_captions(folder, card)
    images, texts = _encode(graphs, views, captions)
    best = (texts @ images.T).reshape(len(texts), -1, len(VIEWS)).max(axis=2)  # (captions, photos)
    is_match = np.eye(len(best), dtype=bool)
    matching, others = best[is_match], best[~is_match]
    auroc = float((matching[:, None] > others).mean())
    if auroc < MIN_AUROC:
        return None
    return fit(matching.tolist(), others.tolist()) if sigmoid is None else from_sigmoid(sigmoid.scale, sigmoid.bias)


def _encode(
    graphs: Path, views: NDArray[np.uint8], captions: list[NDArray[np.int64]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    image, text = open_session(graphs / "image.onnx"), open_session(graphs / "text.onnx")
    batches = [image.run(None, {"pixels": views[i : i + 8]})[0] for i in range(0, len(views), 8)]
    return np.concatenate(batches), np.concatenate([text.run(None, {"ids": row})[0] for row in captions])


def sample_views(preprocess: Preprocess) -> NDArray[np.uint8]:
    """Six views of each photo in this package: (66, side, side, 3), uint8."""
    views = []
    for path in sorted(Path(str(files("cosmos_search") / "data/photos")).glob("*.jpg")):
        with Image.open(path) as photo:
            for left, top, right, bottom in VIEWS:
                width, height = photo.size
                box = round(left * width), round(top * height), round(right * width), round(bottom * height)
                views.append(preprocess.pixels(photo.crop(box)))
    return np.stack(views)


def _read_captions(folder: Path, card: ModelCard) -> list[NDArray[np.int64]]:
    text_format = FAMILIES[card.kind].text_format
    tokenizer = TextTokenizer.from_file(folder / "tokenizer.json", card.context_length, text_format)
    captions = json.loads((files("cosmos_search") / "data/photos/captions.json").read_text(encoding="utf-8"))
    return [np.array([tokenizer.encode(text)], dtype=np.int64) for text in captions.values()]
