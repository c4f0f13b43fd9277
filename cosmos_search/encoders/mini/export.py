"""Write the towers and the head of the built-in encoder as ONNX graphs, from weights in packages, without torch."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

from cosmos_search.encoders.onnx_session import optimise_graph
from cosmos_search.model_config import MINI_BATCH_NORM_EPSILON, MINI_FEATURES, MINI_POOLED

__all__ = ["export_head", "export_image_tower", "export_text_tower", "export_trunk"]

OPSETS = {"": 17, "com.microsoft": 1}
IR_VERSION = 8  # that of opset 17

# EfficientNet-Lite2 (Tan and Le 2019, in the "lite" variant without squeeze-and-excitation). Its other sizes follow
# from its weights.
TRAINED_SIDE = 260  # pixels; the padding is "same" padding at that size, as in training
STRIDED_BLOCKS = {1, 4, 7, 15}  # the first of the stages that halve the resolution
MEAN_BLOCKS = (3, 6, 14)  # the last of stages whose means the trained head takes, too
EARLY_MAPS = ("early_map_1", "early_map_2", "early_map_3")  # outputs with these maps
MEAN_CELLS = (8, 4, 2)  # positions of these stages' maps, across, for one of the last map

Weights = Mapping[str, NDArray[Any]]


class _Graph:
    """An ONNX graph under construction. Methods return the names of values."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[TensorProto] = []

    def constant(self, value: ArrayLike, dtype: type[np.generic] = np.float32) -> str:
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype=dtype), name))
        return name

    def add(self, kind: str, *inputs: str, output: str = "", domain: str = "", **attributes: Any) -> str:
        output = output or f"value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output

    def linear(self, x: str, weight: NDArray[Any], bias: NDArray[Any], output: str = "") -> str:
        """weight: (outputs, inputs), as in torch."""
        return self.add("Add", self.add("MatMul", x, self.constant(weight.T)), self.constant(bias), output=output)

    def normalise(self, x: str) -> str:
        """Unit rows."""
        return self.add("Div", x, self.add("Max", self.add("ReduceL2", x, axes=[1], keepdims=1), self.constant(1e-12)))

    def layer_norm(self, x: str, weights: Weights, name: str, epsilon: float) -> str:
        scale, bias = self.constant(weights[f"{name}.weight"]), self.constant(weights[f"{name}.bias"])
        return self.add("LayerNormalization", x, scale, bias, axis=-1, epsilon=epsilon)

    def save(self, target: Path, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]) -> None:
        graph = helper.make_graph(self.nodes, target.stem, inputs, outputs, self.weights)
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION), target)


def export_image_tower(weights: Weights, mean: float, scale: float, target: Path) -> None:
    """Write a graph from pixels (n, height, width, 3) uint8 to features, which are pooled or at each position.

    features: (n, 1472), the means of the last map and of those after MEAN_BLOCKS. map: (n, rows, columns, 1280), the
    last map. EARLY_MAPS: the earlier ones, pooled to the positions of the last one if sides are a multiple of 32.
    The graph includes the scaling of pixels. weights: by the names of efficientnet-lite-pytorch.
    """
    graph = _Graph()
    maps = _add_backbone(graph, weights, mean, scale)
    early = [maps[number + 1] for number in MEAN_BLOCKS]
    pooled = [graph.add("ReduceMean", x, axes=[2, 3], keepdims=0) for x in (maps[-1], *early)]
    graph.add("Concat", *pooled, axis=1, output="features")
    graph.add("Transpose", maps[-1], perm=[0, 2, 3, 1], output="map")
    for name, x, size in zip(EARLY_MAPS, early, MEAN_CELLS, strict=True):
        cells = graph.add("AveragePool", x, kernel_shape=[size, size], strides=[size, size])
        graph.add("Transpose", cells, perm=[0, 2, 3, 1], output=name)
    graph.save(
        target,
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", "height", "width", 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("features", "map", *EARLY_MAPS)],
    )


def export_trunk(weights: Weights, mean: float, scale: float, first_block: int, target: Path) -> None:
    """Write a graph from pixels (n, height, width, 3) uint8 to what training the last blocks takes (network.mini).

    map: (n, channels, rows, columns), the input of block `first_block`; features: (n, 1280), pooled from the last map
    of the untrained backbone; means: (n, 192), of the maps after MEAN_BLOCKS.
    """
    graph = _Graph()
    maps = _add_backbone(graph, weights, mean, scale)
    graph.add("Identity", maps[first_block], output="map")
    graph.add("ReduceMean", maps[-1], axes=[2, 3], keepdims=0, output="features")
    means = [graph.add("ReduceMean", maps[number + 1], axes=[2, 3], keepdims=0) for number in MEAN_BLOCKS]
    graph.add("Concat", *means, axis=1, output="means")
    graph.save(
        target,
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", "height", "width", 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("map", "features", "means")],
    )


def export_head(weights: Weights, class_vectors: NDArray[np.float32], temperature: float, target: Path) -> None:
    """Write a graph from features to vectors: ConSE, and a trained head if there is one (`encoders.mini.head`).

    positions: (m, 1472); pooling: (n, m), of which each row is the share of each position in a feature vector; share:
    (), of the trained head. vectors: (n, 384), unit rows; logits: (n, 1000), of ImageNet's classes.
    """
    graph = _Graph()
    features = graph.add("MatMul", "pooling", "positions")
    start, end, axis = (graph.constant([value], np.int64) for value in (0, MINI_FEATURES, 1))
    logits = graph.linear(
        graph.add("Slice", features, start, end, axis), weights["_fc.weight"], weights["_fc.bias"], output="logits"
    )
    probabilities = graph.add("Softmax", graph.add("Div", logits, graph.constant(temperature)), axis=1)
    means = graph.add("MatMul", probabilities, graph.constant(class_vectors))
    vectors = graph.normalise(graph.add("Sub", means, graph.constant(class_vectors.mean(axis=0))))
    if "head.weight" in weights:
        own = graph.normalise(graph.linear(features, weights["head.weight"], weights["head.bias"]))
        rest = graph.add("Mul", vectors, graph.add("Sub", graph.constant(1), "share"))
        vectors = graph.normalise(graph.add("Add", rest, graph.add("Mul", own, "share")))
    graph.add("Identity", vectors, output="vectors")
    shapes: dict[str, list[str | int]] = {"positions": ["m", MINI_POOLED], "pooling": ["n", "m"], "share": []}
    graph.save(
        target,
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("vectors", "logits")],
    )


def _add_backbone(graph: _Graph, weights: Weights, mean: float, scale: float) -> list[str]:
    """The maps of the network: the input of each block in order, the output of the last block, and the last map."""
    planes = graph.add("Cast", graph.add("Transpose", "pixels", perm=[0, 3, 1, 2]), to=TensorProto.FLOAT)
    x = graph.add("Div", graph.add("Sub", planes, graph.constant(mean)), graph.constant(scale))
    x = _convolve(graph, x, weights, "_conv_stem", "_bn0", TRAINED_SIDE, stride=2, is_clipped=True)
    side, maps = -(-TRAINED_SIDE // 2), [x]
    n_blocks = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("_blocks."))
    for number in range(n_blocks):
        stride = 2 if number in STRIDED_BLOCKS else 1
        maps.append(_add_block(graph, maps[-1], weights, f"_blocks.{number}", side, stride))
        side = -(-side // stride)
    return [*maps, _convolve(graph, maps[-1], weights, "_conv_head", "_bn1", side, is_clipped=True)]


def _add_block(graph: _Graph, x: str, weights: Weights, name: str, side: int, stride: int) -> str:
    """An inverted bottleneck: expand (except in the first block), filter each channel, project, add the input."""
    y, n_inputs = x, len(weights[f"{name}._depthwise_conv.weight"])
    if f"{name}._expand_conv.weight" in weights:
        n_inputs = weights[f"{name}._expand_conv.weight"].shape[1]
        y = _convolve(graph, y, weights, f"{name}._expand_conv", f"{name}._bn0", side, is_clipped=True)
    y = _convolve(graph, y, weights, f"{name}._depthwise_conv", f"{name}._bn1", side, stride, is_clipped=True)
    y = _convolve(graph, y, weights, f"{name}._project_conv", f"{name}._bn2", -(-side // stride))
    n_outputs = len(weights[f"{name}._project_conv.weight"])
    return graph.add("Add", y, x) if stride == 1 and n_inputs == n_outputs else y


def _convolve(
    graph: _Graph,
    x: str,
    weights: Weights,
    name: str,
    norm: str,
    side: int,
    stride: int = 1,
    *,
    is_clipped: bool = False,
) -> str:
    """A convolution with its batch norm folded in, and ReLU6 if it is clipped. side: pixels of x in training."""
    kernel = weights[f"{name}.weight"].astype(np.float64)  # (outputs, inputs or 1, size, size)
    variance = weights[f"{norm}.running_var"].astype(np.float64)
    factor = weights[f"{norm}.weight"] / np.sqrt(variance + MINI_BATCH_NORM_EPSILON)
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * factor
    size = kernel.shape[2]
    padding = max((-(-side // stride) - 1) * stride + size - side, 0)
    before, after = padding // 2, padding - padding // 2
    y = graph.add(
        "Conv",
        x,
        graph.constant(kernel * factor[:, None, None, None]),
        graph.constant(bias),
        strides=[stride, stride],
        pads=[before, before, after, after],
        group=len(kernel) if name.endswith("_depthwise_conv") else 1,
    )
    return graph.add("Clip", y, graph.constant(0), graph.constant(6)) if is_clipped else y


def export_text_tower(weights: Weights, config: Mapping[str, Any], target: Path, *, with_words: bool = False) -> None:
    """Write a graph from tokens (1, length) int64 to vector (1, 384): the normalised mean of the last layer's tokens.

    with_words: also to words (1, length, 384), the last layer's tokens, which training attends to.

    weights, config: of a BERT, by Hugging Face's names. Attention and Gelu are operators specific to ONNX Runtime.
    """
    graph, epsilon = _Graph(), config["layer_norm_eps"]
    words = graph.add("Gather", graph.constant(weights["embeddings.word_embeddings.weight"]), "tokens")
    # All tokens have the first type, and token n has position n.
    positions = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    length = graph.add("Shape", "tokens", start=1, end=2)
    first = graph.add("Slice", graph.constant(positions), graph.constant([0], np.int64), length)
    x = graph.layer_norm(graph.add("Add", words, first), weights, "embeddings.LayerNorm", epsilon)
    for number in range(config["num_hidden_layers"]):
        x = _add_layer(graph, x, weights, f"encoder.layer.{number}", config["num_attention_heads"], epsilon)
    mean = graph.add("ReduceMean", x, axes=[1], keepdims=0)
    graph.add("Div", mean, graph.add("ReduceL2", mean, axes=[-1], keepdims=1), output="vector")
    outputs = [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, config["hidden_size"]])]
    if with_words:
        graph.add("Identity", x, output="words")
        outputs.append(helper.make_tensor_value_info("words", TensorProto.FLOAT, [1, "length", config["hidden_size"]]))
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "text.onnx"
        graph.save(plain, [helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, "length"])], outputs)
        optimise_graph(plain, target)


def _add_layer(graph: _Graph, x: str, weights: Weights, name: str, n_heads: int, epsilon: float) -> str:
    """One post-norm layer of BERT (Devlin et al. 2019)."""

    def linear(y: str, part: str) -> str:
        return graph.linear(y, weights[f"{name}.{part}.weight"], weights[f"{name}.{part}.bias"])

    parts = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
    projection = graph.constant(np.concatenate([weights[f"{part}.weight"].T for part in parts], axis=1))
    bias = graph.constant(np.concatenate([weights[f"{part}.bias"] for part in parts]))
    seen = graph.add("Attention", x, projection, bias, domain="com.microsoft", num_heads=n_heads)
    y = graph.add("Add", linear(seen, "attention.output.dense"), x)
    x = graph.layer_norm(y, weights, f"{name}.attention.output.LayerNorm", epsilon)
    hidden = graph.add("Gelu", linear(x, "intermediate.dense"), domain="com.microsoft")
    y = graph.add("Add", linear(hidden, "output.dense"), x)
    return graph.layer_norm(y, weights, f"{name}.output.LayerNorm", epsilon)
