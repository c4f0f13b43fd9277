"""Graphs above 2 GiB keep their tensors in files beside them: here a small graph that is written in the same way."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cosmos_search.encoders.onnx_export import move_graph, quantise
from cosmos_search.encoders.onnx_session import open_session


def make_graph(weights):
    sizes = {"x": 64, "y": 32}
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in sizes.items())
    tensors = [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(weights[0], "b")]
    nodes = [helper.make_node("MatMul", ["x", "w"], ["xw"]), helper.make_node("Add", ["xw", "b"], ["y"])]
    graph = helper.make_graph(nodes, "graph", [x], [y], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_a_graph_with_its_tensors_in_files_is_moved_and_quantised_with_one_file(tmp_path):
    generator = np.random.default_rng(0)
    weights, x = (generator.normal(size=shape).astype(np.float32) for shape in ((64, 32), (3, 64)))
    split, exact, small = (tmp_path / name for name in ("split", "exact", "small"))
    for folder in (split, exact, small):
        folder.mkdir()
    parts = {"save_as_external_data": True, "all_tensors_to_one_file": False, "size_threshold": 0}
    onnx.save(make_graph(weights), split / "text.onnx", **parts)
    assert len(list(split.iterdir())) == 3
    move_graph(split / "text.onnx", exact / "text.onnx")
    quantise(exact / "text.onnx", small / "text.onnx")
    assert {path.name for path in exact.iterdir()} == {"text.onnx", "text.onnx.data"}
    wanted = x @ weights + weights[0]
    for folder, tolerance in ((exact, 1e-4), (small, 0.5)):
        (found,) = open_session(folder / "text.onnx").run(None, {"x": x})
        assert np.abs(found - wanted).max() < tolerance
