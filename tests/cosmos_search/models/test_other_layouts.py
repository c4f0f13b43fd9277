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
from transformers import CLIPConfig, CLIPModel, Siglip2Config, Siglip2Model

from cosmos_search.encoders.load import load_encoder
from cosmos_search.models.install import add_model
from cosmos_search.models.store import ModelStore
from cosmos_search.processing.image import Preprocess
from cosmos_search.processing.text import TextTokenizer, clip_tokenizer
from indexer.errors import CosmosSearchError
from tests import DATA
from tests.families import NO_SPECIALS, TOWER, save_family
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
        ("vision_cfg", {"timm_model_name": "vit_base"}, "its image tower 'vit_base' is not of OpenCLIP"),
        ("vision_cfg", {"attentional_pool": True}, "attentional_pool"),
        ("vision_cfg", {"pool_type": "avg"}, "pool_type of 'avg'"),
        ("vision_cfg", {"layers": [2, 2]}, "vision_cfg.layers must be an integer"),
        ("vision_cfg", {"head_width": 0}, "head_width must lie between"),
        ("vision_cfg", {"layers": 3}, "do not fit its config"),
        ("text_cfg", {"hf_model_name": "xlm-roberta-base"}, "its text tower 'xlm-roberta-base' is not"),
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


@pytest.fixture
def naflex(tmp_path):
    """A directory of SigLIP 2 with variable resolution, and its network: 2 × 2 patches of 16 pixels."""
    saved = save_family("siglip2", tmp_path / "naflex")
    text = TOWER | {"vocab_size": len(saved.tokenizer), "max_position_embeddings": 16} | NO_SPECIALS
    torch.manual_seed(0)
    vision = TOWER | {"num_patches": 4, "patch_size": 16}
    model = Siglip2Model(Siglip2Config(text_config=text, vision_config=vision)).eval()
    model.save_pretrained(saved.folder)
    (saved.folder / "preprocessor_config.json").write_text(json.dumps({"patch_size": 16, "max_num_patches": 4}))
    return saved, model


def test_naflex_gives_for_a_square_what_transformers_gives(store, naflex):
    saved, model = naflex
    assert json.loads((saved.folder / "config.json").read_text())["model_type"] == "siglip2"
    card = add_model(store, saved.folder)
    assert (card.kind, card.image_side) == ("siglip", 32)
    encoder = load_encoder("naflex", "cpu", "fp32", store)
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    ours = encoder.encode_images([encoder.prepare(Image.fromarray(pixels))])[0][0]
    rows = torch.from_numpy(pixels / 127.5 - 1).float().reshape(2, 16, 2, 16, 3).transpose(1, 2).reshape(1, 4, -1)
    texts = saved.tokenizer(["dog"], return_tensors="pt", **saved.padding)["input_ids"]
    with torch.no_grad():
        shapes, mask = torch.tensor([[2, 2]]), torch.ones(1, 4, dtype=torch.int32)
        wanted = model.vision_model(rows, mask, shapes).pooler_output[0]
        wanted_text = model.text_model(texts).pooler_output[0]
    assert np.abs(ours - (wanted / wanted.norm()).numpy()).max() < 1e-5
    assert np.abs(encoder.encode_texts(["dog"])[0] - (wanted_text / wanted_text.norm()).numpy()).max() < 1e-5


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"num_patches": 5}, "its 5 positions are not a square"),
        ({"patch_size": 8}, "no patch embedding of 8 × 8 pixels"),
        ({"num_patches": 9}, "position_embedding.weight has the shape"),
        ({"num_patches": "many"}, "num_patches"),
    ],
)
def test_a_naflex_model_of_other_sizes_is_refused_in_one_sentence(values, said, store, naflex):
    path = naflex[0].folder / "config.json"
    content = json.loads(path.read_text())
    content["vision_config"] |= values
    path.write_text(json.dumps(content))
    with pytest.raises(CosmosSearchError, match=said) as caught:
        add_model(store, naflex[0].folder)
    assert "\n" not in str(caught.value)
    assert not store.cards()
