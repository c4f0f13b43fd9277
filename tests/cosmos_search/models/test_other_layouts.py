"""Model directories of other layouts: OpenCLIP's, and older ones with other files of vocabularies and weights.

data/open-clip was written by open_clip 3.3.0, which also gave its outputs; its tokenizer is that of the micro network.
"""

import gzip
import json
import shutil
from importlib.resources import files

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPModel

from cosmos_search.encoders.load import load_encoder
from cosmos_search.models.install import add_model
from cosmos_search.models.store import ModelStore
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import TextTokenizer, clip_tokenizer
from indexer.errors import CosmosSearchError
from tests import DATA
from tests.families import save_family
from tests.micro import micro_like

OPEN_CLIP = DATA / "open-clip"


@pytest.fixture
def store(tmp_path):
    return ModelStore(tmp_path / "models")


@pytest.fixture
def open_clip(tmp_path):
    folder = tmp_path / "open-clip"
    shutil.copytree(OPEN_CLIP, folder)
    shutil.copy(micro_like(tmp_path / "like") / "tokenizer.json", folder)
    return folder


def check_outputs(store):
    encoder, wanted = load_encoder("open-clip", "cpu", "fp32", store), np.load(OPEN_CLIP / "outputs.npz")
    prepared = [encoder.prepare(Image.fromarray(pixels)) for pixels in wanted["pixels"]]
    images = np.stack([vectors[0] for vectors in encoder.encode_images(prepared)])
    assert np.abs(images - wanted["images"]).max() < 1e-5
    assert np.abs(encoder.encode_texts(["a dog", "red"]) - wanted["texts"]).max() < 1e-5


def test_a_model_of_open_clip_gives_what_open_clip_gives(store, open_clip):
    card = add_model(store, open_clip)
    assert (card.kind, card.dim, card.context_length, card.network) == ("clip", 16, 12, "ViT-24/8")
    check_outputs(store)


def test_a_text_tower_of_its_own_has_other_names_for_the_same_tensors(store, open_clip):
    file = open_clip / "open_clip_model.safetensors"
    ours = ("visual.", "logit_scale")
    save_file({n if n.startswith(ours) else f"text.{n}": tensor for n, tensor in load_file(file).items()}, file)
    add_model(store, open_clip)
    check_outputs(store)


@pytest.mark.parametrize(
    ("part", "values", "said"),
    [
        ("vision_cfg", {"timm_model_name": "vit_base"}, "timm_model_name"),
        ("vision_cfg", {"attentional_pool": True}, "attentional_pool"),
        ("vision_cfg", {"pool_type": "avg"}, "pool_type of 'avg'"),
        ("vision_cfg", {"layers": [2, 2]}, "vision_cfg.layers must be an integer"),
        ("vision_cfg", {"head_width": 0}, "head_width must lie between"),
        ("vision_cfg", {"layers": 3}, "do not fit its config"),
        ("text_cfg", {"hf_model_name": "xlm-roberta-base"}, "hf_model_name"),
        ("text_cfg", {"tokenizer_kwargs": {"clean": "canonicalize"}}, "tokenizer_kwargs"),
        ("text_cfg", {"mlp_ratio": "4"}, "mlp_ratio"),
    ],
)
def test_networks_of_open_clip_that_are_not_clips_are_refused(store, open_clip, part, values, said):
    path = open_clip / "open_clip_config.json"
    content = json.loads(path.read_text())
    content["model_cfg"][part] |= values
    path.write_text(json.dumps(content))
    with pytest.raises(CosmosSearchError, match=said) as caught:
        add_model(store, open_clip)
    assert "\n" not in str(caught.value)
    assert ".making" not in str(caught.value)


def test_a_tensor_that_clip_does_not_have_is_refused(store, open_clip):
    file = open_clip / "open_clip_model.safetensors"
    save_file(load_file(file) | {"logit_bias": torch.zeros(1)}, file)
    with pytest.raises(CosmosSearchError, match="logit_bias"):
        add_model(store, open_clip)


def test_the_vocabulary_of_bert_and_a_pickle_are_converted(store, tmp_path):
    saved = save_family("chinese_clip", tmp_path / "model")
    before = add_model(store, saved.folder, "before")
    vocabulary = saved.tokenizer.get_vocab()
    (saved.folder / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.get)), encoding="utf-8")
    torch.save(load_file(saved.folder / "model.safetensors"), saved.folder / "pytorch_model.bin")
    for part in ("tokenizer.json", "model.safetensors"):
        (saved.folder / part).unlink()
    add_model(store, saved.folder, "after")
    old, new = (load_encoder(name, "cpu", "fp32", store) for name in (before.name, "after"))
    texts = ["a Dog, 草地上的狗", "ä"]
    assert np.array_equal(old.encode_texts(texts), new.encode_texts(texts))


def test_clips_merges_stand_for_its_tokenizer_and_no_others_do(store, tmp_path):
    tower = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2, "num_hidden_layers": 1}
    vision = tower | {"image_size": 32, "patch_size": 16}
    folder = tmp_path / "clip"
    CLIPModel(CLIPConfig(text_config=tower, vision_config=vision, projection_dim=16)).save_pretrained(folder)
    Preprocess(32).save(folder / "preprocessor_config.json")
    merges = gzip.decompress(files("cosmos_search").joinpath("data/clip_bpe_merges.txt.gz").read_bytes()).decode()
    lines = merges.split("\n")[1 : 49_408 - 512 - 2 + 1]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *lines[::-1]]), encoding="utf-8")
    with pytest.raises(CosmosSearchError, match=r"tokenizer\.json is missing"):
        add_model(store, folder)
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *lines]), encoding="utf-8")
    add_model(store, folder)
    tokenizer = TextTokenizer.from_file(store.folder("clip") / "tokenizer.json", 77)
    assert tokenizer.ids("a cat") == clip_tokenizer().ids("a cat")


class Evil:
    def __reduce__(self):
        return print, ("run",)


def test_a_pickle_that_runs_code_is_refused(store, tmp_path, capfd):
    saved = save_family("chinese_clip", tmp_path / "model")
    (saved.folder / "model.safetensors").unlink()
    torch.save({"a": Evil()}, saved.folder / "pytorch_model.bin")
    with pytest.raises(CosmosSearchError, match="could run code"):
        add_model(store, saved.folder)
    assert "run" not in capfd.readouterr().out.split()
