"""Write the image tower's graph with int8 convolutions, which run in under half the time on CPUs with VNNI.

Weights are int8 with a scale for each output channel, activations uint8 with a scale for each map, measured on photos
(Jacob et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only inference").
The clipping to 0..6 is that of the number format. The first convolutions stay in fp32: they are faster so, because
ONNX Runtime has no fast int8 convolution of three channels, and the vectors become more accurate.
"""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from cosmos_search.encoders.mini.image_tower import squash
from cosmos_search.encoders.onnx_session import open_session
from indexer.encoder import Vectors

__all__ = ["measure_agreement", "quantise_image_tower", "read_sample_photos"]

N_EXACT = 3  # convolutions in fp32: the stem and the first block, with which region vectors agree to 0.997, not 0.995

Range = tuple[float, float]


def quantise_image_tower(graph: Path, photos: Sequence[NDArray[np.uint8]], target: Path) -> None:
    """graph: of `export_image_tower`. photos: each (side, side, 3), to measure the ranges of activations on."""
    model = onnx.load(graph)
    ranges = _measure_ranges(model, photos)
    rewriting = _Rewriting(model, ranges)
    for node in model.graph.node:
        rewriting.add(node)
    del model.graph.node[:]
    model.graph.node.extend(rewriting.nodes)
    model.graph.initializer.extend(rewriting.weights)
    model.metadata_props.append(onnx.StringStringEntryProto(key="precision", value="int8"))
    onnx.save(model, target)


def read_sample_photos(side: int) -> list[NDArray[np.uint8]]:
    """The photos in this package, squashed: each (side, side, 3)."""
    photos = []
    for path in sorted(Path(str(files("cosmos_search") / "data/photos")).glob("*.jpg")):
        with Image.open(path) as photo:
            photos.append(squash(photo.convert("RGB"), side))
    return photos


def measure_agreement(exact: Vectors, quantised: Vectors) -> float:
    """The mean cosine of corresponding rows, less the mean row of each matrix; both (n, dim)."""
    a, b = exact - exact.mean(axis=0), quantised - quantised.mean(axis=0)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.mean((a * b).sum(axis=1) / np.maximum(lengths, 1e-12)))


def _measure_ranges(model: onnx.ModelProto, photos: Sequence[NDArray[np.uint8]]) -> dict[str, Range]:
    """The lowest and highest value in each map of the graph, and 0."""
    measured = onnx.ModelProto()
    measured.CopyFrom(model)
    maps = [node.output[0] for node in model.graph.node if node.op_type in ("Conv", "Clip", "Add")]
    for name in maps:
        for kind in ("ReduceMin", "ReduceMax"):
            measured.graph.node.append(helper.make_node(kind, [name], [f"{kind} {name}"], keepdims=0))
            measured.graph.output.append(helper.make_tensor_value_info(f"{kind} {name}", TensorProto.FLOAT, []))
    names = [f"{kind} {name}" for name in maps for kind in ("ReduceMin", "ReduceMax")]
    session = open_session(measured.SerializeToString())
    values = np.array([session.run(names, {"pixels": photo[None]}) for photo in photos])  # (photos, 2 · maps)
    lows, highs = values[:, ::2].min(axis=0), values[:, 1::2].max(axis=0)
    return {name: (min(0.0, float(a)), max(0.0, float(b))) for name, a, b in zip(maps, lows, highs, strict=True)}


class _Rewriting:
    """Nodes of the new graph. A quantised map is a pair of QuantizeLinear and DequantizeLinear, which runtimes fuse."""

    def __init__(self, model: onnx.ModelProto, ranges: dict[str, Range]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[TensorProto] = []
        self._ranges = ranges
        self._constants = {w.name: numpy_helper.to_array(w) for w in model.graph.initializer}
        self._clipped = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "Clip"}
        self._dequantised: dict[str, str] = {}  # of a map: the name of its dequantised values
        self._n_convolutions = 0

    def add(self, node: onnx.NodeProto) -> None:
        """The node, or what replaces it."""
        self._n_convolutions += node.op_type == "Conv"
        if self._n_convolutions <= N_EXACT:
            self.nodes.append(node)
        elif node.op_type == "Conv":
            self._add_convolution(node)
        elif node.op_type != "Clip":  # the range of a clipped map does it
            inputs = [self._dequantise(name) if name in self._ranges else name for name in node.input]
            self.nodes.append(_copy(node, inputs, node.output[0]))

    def _add_convolution(self, node: onnx.NodeProto) -> None:
        x, output = node.input[0], self._clipped.get(node.output[0], node.output[0])
        weight, bias = (self._constants[name] for name in node.input[1:])
        x_scale = _scale(self._ranges[x])
        # A channel of tiny weights gets a scale with which its bias fits into 32 bits, too
        largest = np.abs(weight).reshape(len(weight), -1).max(axis=1)
        scales = np.maximum(largest / 127, np.abs(bias) / (x_scale * 2**30)).astype(np.float32)
        scales = np.maximum(scales, np.finfo(np.float32).tiny)
        shape = (-1, *[1] * (weight.ndim - 1))
        rounded = np.rint(weight / scales.reshape(shape)).astype(np.int8)
        rounded_bias = np.rint(bias / (x_scale * scales.astype(np.float64))).astype(np.int32)
        name = node.input[1]
        inputs = [
            self._dequantise(x),
            self._add_dequantise(self._constant(f"{name} int8", rounded), scales, np.zeros(len(weight), np.int8)),
            self._add_dequantise(
                self._constant(f"{name} bias", rounded_bias), (x_scale * scales).astype(np.float32), None
            ),
        ]
        self.nodes.append(_copy(node, inputs, output))

    def _dequantise(self, name: str) -> str:
        """The dequantised values of a map; quantised where it is first used."""
        if name not in self._dequantised:
            low, _ = self._ranges[name]
            scale = np.float32(_scale(self._ranges[name]))
            zero = np.uint8(round(-low / float(scale)))
            operands = [self._constant(f"{name} scale", scale), self._constant(f"{name} zero", zero)]
            self.nodes.append(helper.make_node("QuantizeLinear", [name, *operands], [f"{name} uint8"]))
            self.nodes.append(helper.make_node("DequantizeLinear", [f"{name} uint8", *operands], [f"{name} rounded"]))
            self._dequantised[name] = f"{name} rounded"
        return self._dequantised[name]

    def _add_dequantise(self, name: str, scales: NDArray[np.float32], zeros: NDArray[np.int8] | None) -> str:
        operands = [self._constant(f"{name} scale", scales)]
        operands += [self._constant(f"{name} zero", zeros)] if zeros is not None else []
        self.nodes.append(helper.make_node("DequantizeLinear", [name, *operands], [f"{name} rounded"], axis=0))
        return f"{name} rounded"

    def _constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name


def _copy(node: onnx.NodeProto, inputs: Sequence[str], output: str) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = inputs
    copy.output[:] = [output]
    return copy


def _scale(values: Range) -> float:
    low, high = values
    return max((high - low) / 255, 1e-12)
