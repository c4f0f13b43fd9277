"""The folder for immich, loaded by a small reader of its layout, gives our vectors."""

import json
import shutil
import string

import numpy as np
import onnxruntime
import pytest
import tokenizers
import torch
from click.testing import CliRunner
from PIL import Image

from cosmos_search.cli.main import main
from cosmos_search.encoders.load import load_encoder
from cosmos_search.models.install import add_model
from cosmos_search.models.store import ModelStore
from cosmos_search.network.checkpoint import save_model
from cosmos_search.network.cosmos import CosmosConfig, CosmosModel
from tests.families import save_family

TEXTS = ("a dog on the grass", "Two DOGS, running!", "dog " * 40)


class Reader:
    """As immich's machine learning service reads a CLIP model."""

    def __init__(self, folder):
        self.config = json.loads((folder / "config.json").read_text())
        self.pixels = json.loads((folder / "visual/preprocess_cfg.json").read_text())
        self.visual = onnxruntime.InferenceSession(folder / "visual/model.onnx")
        self.textual = onnxruntime.InferenceSession(folder / "textual/model.onnx")
        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "textual/tokenizer.json"))
        pad = json.loads((folder / "textual/tokenizer_config.json").read_text())["pad_token"]
        length = self.config["text_cfg"]["context_length"]
        self.tokenizer.enable_padding(length=length, pad_token=pad, pad_id=self.tokenizer.token_to_id(pad))
        self.tokenizer.enable_truncation(max_length=length)

    def encode_text(self, text):
        text = " ".join(text.split())
        if self.config["text_cfg"].get("tokenizer_kwargs", {}).get("clean") == "canonicalize":
            text = text.translate(str.maketrans("", "", string.punctuation)).lower()
        return self.textual.run(None, {"text": np.array([self.tokenizer.encode(text).ids], dtype=np.int32)})[0][0]

    def encode_image(self, picture):
        side = self.pixels["size"][0]
        resample = Image.Resampling[self.pixels["interpolation"].upper()]
        if self.pixels["resize_mode"] == "squash":
            picture = picture.resize((side, side), resample)
        else:
            width, height = picture.size
            size = (side, int(height / width * side)) if width < height else (int(width / height * side), side)
            picture = picture.resize(size, resample)
            left, top = ((length - side) // 2 for length in size)
            picture = picture.crop((left, top, left + side, top + side))
        scaled = (np.asarray(picture, dtype=np.float32) / 255 - self.pixels["mean"]) / self.pixels["std"]
        return self.visual.run(None, {"image": scaled.astype(np.float32).transpose(2, 0, 1)[None]})[0][0]


def save_cosmos(folder):
    torch.manual_seed(0)
    sizes = {"vision_width": 32, "vision_layers": 2, "vision_heads": 2, "text_layers": 2, "text_heads": 2}
    save_model(CosmosModel(CosmosConfig(embed_dim=32, text_width=32, image_size=32, **sizes)), folder)


def export(tmp_path, *words):
    env = {"COSMOS_SEARCH_MODELS": str(tmp_path / "models")}
    return CliRunner(env=env).invoke(main, ["models", "export", *map(str, words)])


@pytest.mark.parametrize("kind", ["cosmos", "metaclip_2", "siglip", "siglip2"])
def test_what_is_exported_gives_our_vectors(kind, tmp_path):
    if kind == "cosmos":
        save_cosmos(tmp_path / "model")
    else:
        save_family(kind, tmp_path / "model")
    store = ModelStore(tmp_path / "models")
    add_model(store, tmp_path / "model")
    done = export(tmp_path, "model", "--for", "immich", tmp_path / "out")
    assert done.exit_code == 0, done.output
    reader, encoder = Reader(tmp_path / "out"), load_encoder("model", "cpu", "fp32", store)
    for text in TEXTS:
        assert np.abs(reader.encode_text(text) - encoder.encode_texts([text])[0]).max() < 1e-5, text
    for size in ((48, 40), (32, 64)):
        picture = Image.effect_noise(size, 90).convert("RGB")
        (vectors,) = encoder.encode_images([encoder.prepare(picture)])
        assert np.abs(reader.encode_image(picture) - vectors[0]).max() < 1e-5
    assert reader.config["embed_dim"] == encoder.dim


def test_what_immich_cannot_run_is_refused(tmp_path):
    save_family("chinese_clip", tmp_path / "model")
    add_model(ModelStore(tmp_path / "models"), tmp_path / "model")
    done = export(tmp_path, "model", "--for", "immich", tmp_path / "out")
    assert (done.exit_code, "immich runs models of the types" in done.stderr) == (2, True)
    assert not (tmp_path / "out").exists()
    assert "not installed" in export(tmp_path, "other", "--for", "immich", tmp_path / "out").stderr
    shutil.rmtree(tmp_path / "models")
    save_cosmos(tmp_path / "cosmos")
    add_model(ModelStore(tmp_path / "models"), tmp_path / "cosmos")
    assert "not an empty folder" in export(tmp_path, "cosmos", "--for", "immich", tmp_path / "cosmos").stderr
