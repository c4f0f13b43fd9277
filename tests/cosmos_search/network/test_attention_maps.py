import numpy as np
import pytest
import torch
from PIL import Image

from cosmos_search.encoders.load import load_encoder
from cosmos_search.models.install import add_model
from cosmos_search.models.store import ModelStore
from cosmos_search.network.attention_maps import attention
from cosmos_search.network.checkpoint import load_checkpoint, save_model
from cosmos_search.network.cosmos import CosmosConfig, CosmosModel
from cosmos_search.processing.image import Preprocess
from tests.micro import MICRO, PARITY, micro_like


@pytest.fixture
def picture():
    return Image.effect_noise((64, 48), 90).convert("RGB")


def test_the_heat_map_of_a_transformer_is_its_dense_features_against_the_text(tmp_path, picture):
    store = ModelStore(tmp_path / "models")
    add_model(store, PARITY / "hub_format_micro.pt", "micro", config_from=micro_like(tmp_path / "like"))
    encoder = load_encoder("micro", "cpu", "fp32", store)
    query = encoder.encode_texts(["a dog"])[0]
    heat = encoder.activation(picture, query)
    model = load_checkpoint(PARITY / "hub_format_micro.pt", "teacher", MICRO)
    pixels = torch.from_numpy(Preprocess(32)(picture.resize((32, 32), Image.Resampling.BICUBIC)))[None]
    dense = model.dense(pixels, csa=True)[0].detach().numpy()
    assert heat.shape == (4, 4)
    assert np.abs(heat.ravel() - dense @ query).max() < 1e-5


def test_attention_goes_both_ways_and_leaves_out_what_is_no_word(tmp_path, picture):
    torch.manual_seed(0)
    tiny = CosmosConfig(
        embed_dim=64, image_size=32, patch_size=16, vision_width=64, vision_layers=1, vision_heads=1,
        text_width=64, text_layers=1, text_heads=1,
    )  # fmt: skip
    save_model(CosmosModel(tiny), tmp_path / "tiny")
    seen = attention(tmp_path / "tiny", picture, "A dog, antidisestablishmentarianism!")
    assert seen.patches.shape == (2, 2)
    assert seen.patches.max() == pytest.approx(1)
    assert [word for word, _ in seen.words] == ["a", "dog", ",", "antidisestablishmentarianism", "!"]
    assert max(weight for _, weight in seen.words) == pytest.approx(1)
    assert attention(tmp_path / "tiny", picture, "").words == ()
