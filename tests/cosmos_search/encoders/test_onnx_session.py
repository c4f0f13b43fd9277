"""ONNX Runtime sessions and the cache of graphs, on a graph that adds 1."""

import threading
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from cosmos_search.encoders.onnx_session import (
    choose_session_device,
    describe_device,
    is_on_cpu,
    open_or_make,
    open_session,
    optimise_graph,
    write_atomically,
)
from indexer.errors import CosmosSearchError, UsageError


def write_plus_one(target: Path) -> None:
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "one"], ["y"])],
        "plus_one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])],
        [one],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(target))


def plus_one(session, x: float) -> float:
    return float(session.run(["y"], {"x": np.array([x], dtype=np.float32)})[0][0])


def test_an_absent_graph_is_made_and_opened(tmp_path):
    session = open_or_make(tmp_path / "models" / "graph.onnx", write_plus_one)
    assert plus_one(session, 1.0) == 2.0


def test_a_cached_graph_is_not_made_again(tmp_path):
    def refuse(target: Path) -> None:
        raise AssertionError(f"{target} was made again")

    write_plus_one(tmp_path / "graph.onnx")
    assert plus_one(open_or_make(tmp_path / "graph.onnx", refuse), 2.0) == 3.0


@pytest.mark.parametrize("damage", [b"", b"not a graph", None], ids=["empty", "garbage", "cut short"])
def test_a_damaged_graph_is_made_anew(tmp_path, damage):
    path = tmp_path / "graph.onnx"
    write_plus_one(path)
    path.write_bytes(path.read_bytes()[:-20] if damage is None else damage)
    assert plus_one(open_or_make(path, write_plus_one), 1.0) == 2.0


def test_an_optimised_graph_computes_the_same(tmp_path):
    write_plus_one(tmp_path / "graph.onnx")
    optimise_graph(tmp_path / "graph.onnx", tmp_path / "optimised.onnx")
    assert plus_one(open_session(tmp_path / "optimised.onnx"), 3.0) == 4.0


def test_an_optimised_graph_finds_its_weights_beside_it_after_it_was_renamed(tmp_path):
    """The weights of a graph with more than a kilobyte of them are in a file of their own."""
    weights = np.arange(1000, dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "weights"], ["y"])],
        "plus_weights",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1000])],
        [onnx.numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(tmp_path / "plain.onnx"))
    target = tmp_path / "cache" / "graph.onnx"
    for _ in range(2):  # the second time the graph is damaged
        session = open_or_make(target, lambda draft: optimise_graph(tmp_path / "plain.onnx", draft))
        assert np.array_equal(session.run(["y"], {"x": np.ones(1, dtype=np.float32)})[0], weights + 1)
        assert sorted(path.name for path in target.parent.iterdir()) == ["graph.onnx", "graph.onnx.weights"]
        target.write_bytes(b"damaged")


def test_a_failed_making_leaves_the_old_file_and_no_litter(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")

    def fail(draft: Path) -> None:
        draft.write_text("half")
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        write_atomically(target, fail)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_reader_beside_many_writers_never_sees_half_a_file(tmp_path):
    target = tmp_path / "file"
    write_atomically(target, lambda draft: draft.write_text("0" * 100_000))
    letters = "12345678"
    writers = [
        threading.Thread(target=write_atomically, args=(target, lambda d, c=c: d.write_text(c * 100_000)))
        for c in letters
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        text = target.read_text()
        assert text == text[0] * 100_000
    assert target.read_text()[0] in letters


def test_a_folder_that_cannot_be_written_is_a_users_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CosmosSearchError, match="XDG_CACHE_HOME"):
        write_atomically(tmp_path / "file" / "graph.onnx", write_plus_one)


def test_a_session_runs_on_the_cpu_unless_another_device_is_named(tmp_path):
    write_plus_one(tmp_path / "graph.onnx")
    assert open_session(tmp_path / "graph.onnx").get_providers() == ["CPUExecutionProvider"]
    assert open_or_make(tmp_path / "graph.onnx", write_plus_one).get_providers() == ["CPUExecutionProvider"]


def test_the_cpu_is_obeyed_and_a_device_that_cannot_be_had_is_refused():
    assert choose_session_device("cpu") == "cpu"
    has_cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    assert choose_session_device("auto") == ("cuda" if has_cuda else "cpu")
    with pytest.raises(UsageError, match="device mps can't be used: the installed ONNX Runtime does not support it"):
        choose_session_device("mps")
    if not has_cuda:
        with pytest.raises(UsageError, match="onnxruntime-gpu"):
            choose_session_device("cuda")


def test_the_device_is_the_one_the_session_got(tmp_path):
    write_plus_one(tmp_path / "graph.onnx")
    session = open_session(tmp_path / "graph.onnx")
    assert is_on_cpu(session) == describe_device(session).startswith("cpu")
    assert describe_device(session).endswith("ONNX Runtime fp32")
