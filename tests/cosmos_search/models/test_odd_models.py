"""Models as a stranger might hand them over: refused in one sentence, with nothing allocated, run or left behind."""

import json
import os
import pickle
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import pytest
import tokenizers
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file
from tokenizers import models as token_models
from transformers import CLIPConfig, CLIPModel

from cosmos_search.cli.main import main
from cosmos_search.encoders.load import load_encoder
from cosmos_search.models.install import add_model
from cosmos_search.models.store import ModelStore
from cosmos_search.network.checkpoint import load_checkpoint, save_model
from cosmos_search.network.cosmos import CosmosConfig, CosmosModel
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import save_clip_tokenizer
from indexer.errors import CosmosSearchError, UsageError
from tests.colour import paint
from tests.micro import MICRO, PARITY, micro_like

DEEP = 100_000


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A model directory that can be used."""
    place = tmp_path_factory.mktemp("good")
    torch.manual_seed(0)
    save_model(CosmosModel(MICRO), place / "model", config_from=micro_like(place / "like"))
    return place / "model"


@pytest.fixture(scope="module")
def good_clip(tmp_path_factory):
    """The same of CLIP."""
    folder = tmp_path_factory.mktemp("clip") / "model"
    torch.manual_seed(0)
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2, "num_hidden_layers": 1}
    vision = tower | {"image_size": 32, "patch_size": 16}
    CLIPModel(CLIPConfig(text_config=tower, vision_config=vision, projection_dim=16)).save_pretrained(folder)
    Preprocess(32).save(folder / "preprocessor_config.json")
    save_clip_tokenizer(folder / "tokenizer.json")
    return folder


@pytest.fixture
def model(good, tmp_path):
    return Path(shutil.copytree(good, tmp_path / "model"))


@pytest.fixture
def clip(good_clip, tmp_path):
    return Path(shutil.copytree(good_clip, tmp_path / "model"))


def refusal(folder, tmp_path):
    """What is said; afterwards nothing is installed and nothing is left."""
    store = ModelStore(tmp_path / "store")
    with pytest.raises(CosmosSearchError) as caught:
        add_model(store, folder)
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 500
    assert ".making" not in said
    assert not store.place.exists() or list(store.place.iterdir()) == []
    return said


def edit(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_models_as_they_should_be_are_installed(good, good_clip, tmp_path):
    assert add_model(ModelStore(tmp_path), good, "one").dim == MICRO.embed_dim
    assert add_model(ModelStore(tmp_path), good_clip, "two").dim == 16


NOT_SIZES = [
    10**9,
    10**400,
    10**4299,
    0,
    -1,
    -(10**9),
    12.0,
    2.5,
    "12",
    True,
    None,
    [12],
    {},
    float("nan"),
    float("inf"),
]


@pytest.mark.parametrize("name", [key for key, size in CosmosConfig.__annotations__.items() if size is int])
def test_sizes_that_no_network_has_are_refused(name, model, tmp_path):
    for value in NOT_SIZES:
        edit(model / "config.json", **{name: value})
        assert "config.json" in refusal(model, tmp_path), value


@pytest.mark.parametrize(
    ("tower", "name"),
    [("vision_config", name) for name in ("hidden_size", "num_hidden_layers", "image_size", "patch_size")]
    + [("text_config", name) for name in ("intermediate_size", "vocab_size", "max_position_embeddings")]
    + [("text_config_dict", "num_attention_heads")],
)
def test_sizes_that_no_clip_has_are_refused(tower, name, clip, tmp_path):
    content = json.loads((clip / "config.json").read_text())
    for value in NOT_SIZES:
        if value is not None:  # which stands for the default
            edit(clip / "config.json", **{tower: content.get(tower, {}) | {name: value}})
            assert "config.json" in refusal(clip, tmp_path), value


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"image_size": 1, "patch_size": 1}, "image_size"),
        ({"patch_size": 64}, "patch_size 64 is more than image_size 32"),
        ({"image_size": 4096, "patch_size": 1}, "patches"),
        ({"vision_heads": 5}, "divided among 5 heads"),
        ({"text_heads": 3}, "divided among 3 heads"),
        ({"text_width": 32}, "must be equal"),
        ({"text_width": 12, "embed_dim": 12}, "divided among 8 heads"),
        ({"vision_layers": 256, "vision_width": 16_384, "vision_heads": 64}, "GiB of memory"),
        ({"vision_layers": 1}, "unknown"),
        ({"vision_layers": 3}, "missing"),
        ({"vocab_size": 97}, "has the shape"),
        ({"image_size": 64}, "has the shape"),
        ({"auto_map": "evil.py"}, "auto_map"),
        ({"model_type": "bert"}, "of type bert"),
        ({"model_type": ["cosmos"]}, "of type"),
        ({"model_type": "\x1b[2J" * 1000}, "of type"),
    ],
)
def test_sizes_that_do_not_fit_each_other_are_refused(values, said, model, tmp_path):
    edit(model / "config.json", **values)
    assert said in (message := refusal(model, tmp_path))
    assert "\x1b" not in message


@pytest.mark.parametrize(
    "values",
    [
        {"text_config": []},
        {"vision_config": "large"},
        {"projection_dim": -1},
        {"vision_config": {"num_channels": 1}},
        {"vision_config": {"hidden_act": "os.system"}},
        {"text_config": {"layer_norm_eps": "0"}},
        {"text_config": {"eos_token_id": 5}},
        {"text_config": {"eos_token_id": [2]}},
    ],
    ids=str,
)
def test_clips_that_do_not_fit_are_refused(values, clip, tmp_path):
    content = json.loads((clip / "config.json").read_text())
    merged = {key: content[key] | part if isinstance(part, dict) else part for key, part in values.items()}
    edit(clip / "config.json", **merged)
    refusal(clip, tmp_path)


def test_a_config_of_clip_can_name_no_code_and_no_precision(clip, tmp_path):
    extra = {"auto_map": {"AutoModel": "evil.Model"}, "quantization_config": {"quant_method": "bitsandbytes"}}
    edit(clip / "config.json", **extra, _attn_implementation="somebody/kernel", dtype="float16")
    weights = {name: tensor.half() for name, tensor in load_file(clip / "model.safetensors").items()}
    weights["vision_model.embeddings.position_ids"] = torch.arange(5)[None]
    save_file(weights, clip / "model.safetensors")
    store = ModelStore(tmp_path / "store")
    assert add_model(store, clip).kind == "clip"
    assert load_encoder("model", "cpu", "fp32", store).encode_texts(["a cat"]).shape == (1, 16)


NO_JSON = {
    "empty": b"",
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "cut short": b'{"model_type": "cosm',
    "nested": b'{"model_type": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "twice": b'{"model_type": "cosmos", "model_type": "clip"}',
    "a BOM": b'\xef\xbb\xbf{"model_type": "cosmos"}',
    "UTF-16": '{"model_type": "cosmos"}'.encode("utf-16"),
    "latin-1": b'{"model_type": "\xe9"}',
    "zeros": b"\0" * 1000,
    "long": b'{"a": "' + b"x" * (3 << 20) + b'"}',
    "many digits": b'{"image_size": ' + b"9" * 5000 + b"}",
    "NaN": b'{"image_size": NaN}',
    "code": b"__import__('os').system('true')",
}


@pytest.mark.parametrize("part", ["config.json", "preprocessor_config.json", "tokenizer.json"])
@pytest.mark.parametrize("content", NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json_is_refused(part, content, model, tmp_path):
    (model / part).write_bytes(content)
    assert part in refusal(model, tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        {"size": {"shortest_edge": 10**9}, "crop_size": 10**9},
        {"size": {"shortest_edge": 0}},
        {"size": {"shortest_edge": 32.0}},
        {"size": {"shortest_edge": "32"}},
        {"size": {"height": 32, "width": 48}, "crop_size": 32},
        {"size": []},
        {"size": True},
        {"size": {"shortest_edge": 64}, "crop_size": 64},
        {"crop_size": {"height": 16, "width": 16}},
        {"image_mean": [0.5, 0.5]},
        {"image_mean": "0.5"},
        {"image_mean": [1e308, 0, 0]},
        {"image_std": [1, 1, 0]},
        {"image_std": [1, 1, -1]},
        {"image_std": [1, 1, None]},
        {"image_mean": "123"},
        {"image_std": "123"},
        {"image_mean": [True, True, True]},
        {"image_std": [True, True, True]},
        {"image_mean": ["0.5", "0.5", "0.5"]},
        {"image_mean": {"0.1": 1, "0.2": 2, "0.3": 3}},
        {"image_mean": [[0.5], [0.5], [0.5]]},
        {"image_mean": 0.5},
        {"image_mean": None},
        {"image_std": [0, 0, 0]},
        {"image_std": [1e-300, 1, 1]},
        {"image_std": [1e300, 1, 1]},
        {"image_std": [10**400, 1, 1]},
        {"resample": True},
        {"resample": False},
        {"resample": 3.0},
        {"resample": "3"},
        {"resample": None},
        {"resample": -1},
        {"resample": [3]},
        {"size": {"shortest_edge": True}},
        {"do_center_crop": False},
        {"do_center_crop": "yes"},
        {"do_resize": 1},
        {"rescale_factor": True},
        {"rescale_factor": "0.00392"},
        {"resample": 99},
        {"resample": "bicubic"},
        {"rescale_factor": 1.0},
        {"rescale_factor": []},
        {"do_rescale": False},
        {"do_normalize": 0},
    ],
    ids=str,
)
def test_another_way_to_prepare_pictures_is_refused(values, model, tmp_path):
    edit(model / "preprocessor_config.json", **values)
    refusal(model, tmp_path)


def file_of(header, data=b"", length=None):
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(start, end, shape=(1,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


NO_WEIGHTS = {
    "empty": b"",
    "short": b"\0\0\0",
    "header of 0": struct.pack("<Q", 0),
    "header beyond the end": file_of({}, length=10_000),
    "header of 2^63": file_of({}, length=2**63),
    "no JSON": file_of(b"hello"),
    "a list": file_of([]),
    "nested": file_of(b'{"a":' * 1000 + b"1" + b"}" * 1000),
    "overlapping": file_of({"a": tensor(0, 4), "b": tensor(2, 6)}, bytes(6)),
    "a hole": file_of({"a": tensor(0, 4), "b": tensor(8, 12)}, bytes(12)),
    "backwards": file_of({"a": tensor(4, 0)}, bytes(4)),
    "beyond": file_of({"a": tensor(0, 400, (100,))}, bytes(4)),
    "huge": file_of({"a": tensor(0, 2**62, (2**60,))}),
    "overflow": file_of({"a": tensor(0, 4, (2**40, 2**40))}, bytes(4)),
    "negative": file_of({"a": tensor(-4, 0)}),
    "other type": file_of({"a": tensor(0, 4, dtype="PICKLE")}, bytes(4)),
    "other tensors": file_of({"a": tensor(0, 4)}, bytes(4)),
    "a pickle": pickle.dumps({"a": 1}),
    "a page": b"<html>not found</html>",
}


@pytest.mark.parametrize("content", NO_WEIGHTS.values(), ids=NO_WEIGHTS)
def test_what_is_no_safetensors_of_this_network_is_refused(content, model, tmp_path):
    (model / "model.safetensors").write_bytes(content)
    assert "model.safetensors" in refusal(model, tmp_path)


CHANGES = {
    "a tensor missing": lambda weights: weights.pop("ln_final.bias"),
    "a tensor more": lambda weights: weights.update(extra=torch.zeros(1)),
    "another shape": lambda weights: weights.update({"visual.positional_embedding": torch.zeros(1, 24)}),
    "transposed": lambda weights: weights.update({"visual.proj": weights["visual.proj"].T.contiguous()}),
    "whole numbers": lambda weights: weights.update({"positional_embedding": torch.ones(12, 16, dtype=torch.int32)}),
    "bytes": lambda weights: weights.update({"positional_embedding": torch.ones(12, 16, dtype=torch.uint8)}),
    "float8": lambda weights: weights.update({"positional_embedding": torch.ones(12, 16).to(torch.float8_e4m3fn)}),
    "NaN": lambda weights: weights["token_embedding.weight"].fill_(float("nan")),
    "one infinity": lambda weights: weights["visual.attn_cross_pool.ln_q.bias"][3:4].fill_(float("inf")),
    "all zero": lambda weights: [tensor.zero_() for tensor in weights.values()],
    "all one": lambda weights: [tensor.fill_(1) for tensor in weights.values()],
    "pictures to zero": lambda weights: weights["visual.proj"].zero_(),
    "texts to zero": lambda weights: weights["text_projection"].zero_(),
    "pixels unseen": lambda weights: weights["visual.conv1.weight"].zero_(),
    "words and places unseen": lambda weights: [
        weights[name].zero_() for name in ("positional_embedding", "token_embedding.weight")
    ],
    "too large": lambda weights: weights["visual.proj"].fill_(3e38),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_weights_that_do_not_fit_or_are_no_numbers_are_refused(change, model, tmp_path):
    weights = load_file(model / "model.safetensors")
    change(weights)
    save_file(weights, model / "model.safetensors")
    refusal(model, tmp_path)


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.9999])
@pytest.mark.parametrize("part", ["config.json", "model.safetensors", "tokenizer.json", "preprocessor_config.json"])
def test_files_cut_short_are_refused(part, share, model, tmp_path):
    whole = (model / part).read_bytes().rstrip()
    (model / part).write_bytes(whole[: int(len(whole) * share)])
    assert part in refusal(model, tmp_path)


def save_words(path, words, specials=()):
    tokenizer = tokenizers.Tokenizer(token_models.WordLevel(words, unk_token="?"))
    tokenizer.add_special_tokens(list(specials))
    tokenizer.save(str(path))


def test_tokenizers_of_another_kind_or_size_are_refused(model, tmp_path):
    path = model / "tokenizer.json"
    save_words(path, {"?": 0, "[CLS]": 1, "[SEP]": 2})
    assert "has no token" in refusal(model, tmp_path)
    save_clip_tokenizer(path)
    assert "49,408 tokens, but its network 96" in refusal(model, tmp_path)
    ends = {"<start_of_text>": 1, "<end_of_text>": 2}
    save_words(path, {"?": 0, "dog": 3} | ends)
    assert "token 3 at the end of a text, but its tokenizer ends texts with 2" in refusal(model, tmp_path)
    path.write_text(path.read_text().replace('"dog": 3', '"dog": 4000000000'))
    assert "tokens" in refusal(model, tmp_path)
    path.write_text('{"version": "1.0", "model": {"type": "Oracle"}}')
    refusal(model, tmp_path)
    save_words(path, {"dog": 0} | ends)
    assert "tokenizer can't read" in refusal(model, tmp_path)


PARTS = ("config.json", "model.safetensors", "tokenizer.json", "preprocessor_config.json")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "kind", ["absent", "folder", "pipe", "link out", "link to itself", "link to nothing", "device"]
)
def test_parts_that_are_no_files_of_the_model_are_refused(part, kind, model, tmp_path):
    spoil(model / part, kind)
    refusal(model, tmp_path)


def spoil(path, kind):
    """Put something else where a part of a model is."""
    content = path.read_bytes()
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link out":
        path.parent.with_name("outside").write_bytes(content)
        path.symlink_to("../outside")
    elif kind == "link to itself":
        path.symlink_to(path.name)
    elif kind == "link to nothing":
        path.symlink_to("nothing")
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "large":
        with path.open("wb") as file:
            file.truncate(1 << 40)
    elif kind == "no JSON":
        path.write_bytes(b"hello")


def test_a_snapshot_of_the_hubs_cache_is_made_of_links_and_is_added(good, tmp_path):
    snapshot, blobs = tmp_path / "models--a--b" / "snapshots" / "c0ffee", tmp_path / "models--a--b" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for i, part in enumerate(PARTS):
        shutil.copy(good / part, blobs / str(i))
        (snapshot / part).symlink_to(Path("..", "..", "blobs", str(i)))
    assert add_model(ModelStore(tmp_path / "store"), snapshot, "named").name == "named"
    assert not any(path.is_symlink() for path in (tmp_path / "store").rglob("*"))


class Payload:
    def __reduce__(self):
        return os.system, ("touch executed",)


def test_no_code_of_a_pickle_in_a_directory_is_run(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (model / "model.safetensors").unlink()
    for name in ("pytorch_model.bin", "model.pt", "training_args.bin"):
        (model / name).write_bytes(pickle.dumps(Payload()))
    assert "pytorch_model.bin" in refusal(model, tmp_path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.update({"visual.transformer.resblocks.999999999.ln_1.weight": torch.zeros(24)}),
        lambda state: state.update({"visual.conv1.weight": torch.zeros(0, 3, 8, 8)}),
        lambda state: state.update({"visual.conv1.weight": torch.zeros(64, 3, 0, 0)}),
        lambda state: state.update({"token_embedding.weight": torch.zeros(1).expand(10**9, 16)}),
        lambda state: state.update({"visual.positional_embedding": torch.zeros(0, 24)}),
        lambda state: state.update({"visual.proj": torch.zeros(16)}),
        lambda state: state.update({f"visual.transformer.resblocks.{'9' * 5000}.x": torch.zeros(24)}),
        lambda state: state.update({f"transformer.resblocks.{'9' * 5000}.x": torch.zeros(24)}),
        lambda state: state.update({"transformer.resblocks.٣٣.x": torch.zeros(24)}),
        lambda state: state.update({"transformer.resblocks.-1.x": torch.zeros(24)}),
        lambda state: state.update({"\x1b[2J" * 1000: torch.zeros(24)}),
        lambda state: state.update({"ln_final.bias": torch.zeros(16, dtype=torch.complex64)}),
        lambda state: state.update({"ln_final.bias": torch.zeros(16).to_sparse()}),
        lambda state: state.update({"ln_final.bias": torch.zeros(16, dtype=torch.int64)}),
        lambda state: state.update({"ln_final.bias": torch.zeros(16, device="meta")}),
        lambda state: state.update({7: torch.zeros(1)}),
        lambda state: state.clear(),
    ],
)
@pytest.mark.parametrize("config", [None, MICRO], ids=["by its shapes", "by a config"])
def test_checkpoints_with_odd_tensors_are_refused(change, config, tmp_path):
    state = CosmosModel(MICRO).state_dict()
    change(state)
    torch.save({"teacher": state}, tmp_path / "odd.pt")
    with pytest.raises(CosmosSearchError) as caught:
        load_checkpoint(tmp_path / "odd.pt", config=config)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) - len(str(tmp_path)) < 400


@pytest.mark.parametrize("shape", [(), (1,), (16,), (1, 2, 3), (1,) * 6])
@pytest.mark.parametrize(
    "name",
    ["visual.proj", "visual.conv1.weight", "visual.positional_embedding", "positional_embedding",
     "token_embedding.weight"],
)  # fmt: skip
def test_tensors_of_other_dimensions_are_named_with_their_shape(name, shape, tmp_path):
    state = CosmosModel(MICRO).state_dict() | {name: torch.zeros(shape)}
    torch.save({"teacher": state}, tmp_path / "odd.pt")
    with pytest.raises(CosmosSearchError) as caught:
        load_checkpoint(tmp_path / "odd.pt")
    assert f"{name} has the shape {shape}" in str(caught.value)
    del state[name]
    torch.save({"teacher": state}, tmp_path / "odd.pt")
    with pytest.raises(CosmosSearchError, match=f"{name} is missing"):
        load_checkpoint(tmp_path / "odd.pt")


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 5, "٣", "1_0", "-1", ""], ids=lambda number: number[:9])
@pytest.mark.parametrize("tower", ["visual.transformer", "transformer"])
def test_blocks_with_odd_numbers_are_refused(tower, number, tmp_path):
    sizes = {"embed_dim": 64, "vision_width": 64, "text_width": 64, "vision_heads": 1, "text_heads": 1}
    state = CosmosModel(replace(MICRO, **sizes)).state_dict()
    torch.save({"teacher": state | {f"{tower}.resblocks.{number}.x": torch.zeros(1)}}, tmp_path / "odd.pt")
    with pytest.raises(CosmosSearchError) as caught:
        load_checkpoint(tmp_path / "odd.pt")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) - len(str(tmp_path)) < 400


LIKE = ("config.json", "tokenizer.json", "preprocessor_config.json")


@pytest.fixture
def checkpoint(tmp_path):
    torch.save({"teacher": CosmosModel(MICRO).state_dict()}, tmp_path / "odd.pt")
    return tmp_path / "odd.pt"


@pytest.mark.parametrize("part", LIKE)
@pytest.mark.parametrize(
    "kind", ["absent", "folder", "pipe", "link out", "link to itself", "link to nothing", "device", "large", "no JSON"]
)
def test_what_a_checkpoint_shall_be_like_is_read_as_strictly_as_a_model(part, kind, checkpoint, tmp_path):
    spoil(micro_like(tmp_path / "like") / part, kind)
    store = ModelStore(tmp_path / "store")
    with pytest.raises(CosmosSearchError) as caught:
        add_model(store, checkpoint, config_from=tmp_path / "like")
    assert str(tmp_path / "like") in str(caught.value)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(store.place.iterdir()) == []


def test_a_checkpoint_is_no_folder_in_any_message(checkpoint, tmp_path):
    like = micro_like(tmp_path / "like")
    edit(like / "preprocessor_config.json", size={"shortest_edge": 64}, crop_size=64)
    with pytest.raises(CosmosSearchError) as caught:
        add_model(ModelStore(tmp_path / "store"), checkpoint, config_from=like)
    assert "odd.pt/" not in str(caught.value)


def test_a_checkpoint_of_numbers_that_are_none_is_not_installed(tmp_path):
    state = CosmosModel(MICRO).state_dict()
    torch.save({"teacher": {name: torch.full_like(x, torch.nan) for name, x in state.items()}}, tmp_path / "odd.pt")
    store = ModelStore(tmp_path / "store")
    with pytest.raises(CosmosSearchError, match=r"^odd\.pt.* not finite numbers\.$"):
        add_model(store, tmp_path / "odd.pt", config_from=micro_like(tmp_path / "like"))
    assert list(store.place.iterdir()) == []


NAMES = [
    "", " ", ".", "..", ".hidden", "-rf", "--name", "a/b", "a\\b", "../up", "/etc", "C:\\x", "a:b", "a b", "a\nb",
    "a\tb", "a\x1b[2J", "a\0b", "a\x7f", "é", "模型", "a\u202eb", "\ud800", "a" * 101, "a" * 10_000, "end.", "con",
    "NUL", "com1", "Lpt9.txt", "a*", "a?b", "$HOME", "`id`", "a;b", "a|b", "<a>", "'a'", "~", "~root", "%2e%2e",
    "cosmos-mini", "Cosmos-Mini", "cosmos-mini-conse", "COSMOS-mini-ConSE",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_that_are_unsafe_or_taken_are_refused(name, good, tmp_path):
    store = ModelStore(tmp_path / "store")
    with pytest.raises(CosmosSearchError) as caught:
        add_model(store, good, name)
    assert str(caught.value).isprintable()
    assert not store.place.exists()


@pytest.mark.parametrize("name", ["a", "my-model", "ViT-B_16.laion2b", "0", "a" * 100, "console", "v1.0"])
def test_plain_names_are_taken(name, good, tmp_path):
    assert add_model(ModelStore(tmp_path), good, name).name == name


@pytest.fixture(scope="module")
def used(good, tmp_path_factory):
    """With an installed model, a picture and an index made with it."""
    place = tmp_path_factory.mktemp("used")
    paint(place / "photos" / "red.png", "red", size=(48, 40))
    add_model(ModelStore(place / "models"), good)
    words = ["index", place / "photos", "--model", "model", "--precision", "fp32"]
    assert run(*words, env=environment(place)).exit_code == 0
    return place


@pytest.fixture
def installed(used, tmp_path, monkeypatch):
    """The folder of an installed model that may be damaged; an index that was made with it is there too."""
    for part in ("models", "index"):
        shutil.copytree(used / part, tmp_path / part)
    for variable, value in environment(tmp_path).items():
        monkeypatch.setenv(variable, value)
    paint(used / "photos" / "lime.png", "lime", size=(48, 40))  # for `index` to encode
    return tmp_path / "models" / "model"


def environment(place):
    return {"COSMOS_SEARCH_MODELS": str(place / "models"), "COSMOS_SEARCH_INDEX": str(place / "index")}


def run(*words, env=None):
    return CliRunner(env=env).invoke(main, [str(word) for word in words])


def flip(data):
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]


DAMAGES = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-10]),
    "empty": lambda path: path.write_bytes(b""),
    "one bit": lambda path: path.write_bytes(flip(path.read_bytes())),
    "gone": Path.unlink,
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.parametrize("part", [*PARTS, "card.json"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_model_that_was_damaged_after_it_was_installed_is_one_sentence(part, damage, installed):
    damage(installed / part)
    shutil.rmtree(installed / "graphs")  # which are read instead of the weights
    for words in (["search", "a dog"], ["index"]):
        done = run(*words)
        if part == "card.json" and done.exit_code == 0:
            continue  # a bit of a word for a person
        assert (done.exit_code, type(done.exception)) == (1, SystemExit), done.output
        is_other_version = part == "card.json" and "another version of model" in done.stderr  # a bit of the digest
        assert is_other_version or "The model model is damaged" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert run("models").exit_code == 0
    assert run("models", "remove", "model").exit_code == 0


def test_damaged_graphs_and_curves_are_made_anew(installed):
    for name in ("calibration.json", "choice.json", "text.onnx"):
        (path,) = [folder / name for folder in (installed / "graphs").iterdir()]
        path.write_text("{")
        assert run("search", "a dog").exit_code == 0
        assert path.read_bytes() != b"{" if path.exists() else name == "calibration.json"


def test_a_taken_name_is_a_usage_error_before_anything_is_read(tmp_path):
    with pytest.raises(UsageError):
        add_model(ModelStore(tmp_path), PARITY / "nowhere.pt", "../up")
