import json

import pytest
import torch

from cosmos_search.network.checkpoint import load_model, save_model
from cosmos_search.network.cosmos import CosmosConfig, CosmosModel
from indexer.errors import CosmosSearchError
from tests import DATA
from tests.micro import MICRO, SMALL


@pytest.fixture
def model():
    torch.manual_seed(0)
    return CosmosModel(SMALL).eval()


def test_the_published_sizes_have_the_published_number_of_parameters():
    with torch.device("meta"):
        for patch, n_parameters in ((16, 152_382_466), (32, 154_039_042)):
            model = CosmosModel(CosmosConfig(patch_size=patch))
            assert sum(p.numel() for p in model.parameters()) == n_parameters
            assert len(model.state_dict()) == 323


def test_names_shapes_and_order_of_the_parameters_are_the_official_ones():
    official = json.loads((DATA / "parity" / "keys_micro.json").read_text())
    state = CosmosModel(MICRO).state_dict()
    assert [[name, list(tensor.shape)] for name, tensor in state.items()] == official


@pytest.mark.parametrize("size", [(32, 32), (16, 16), (24, 40), (64, 32)])
def test_pictures_of_any_size_have_a_token_for_each_patch(model, size):
    encoded = model.encode_images(torch.zeros(2, 3, *size))
    n_patches = size[0] * size[1] // 64
    assert encoded.features.shape == (2, 16)
    assert encoded.tokens.shape == (2, n_patches, 24)
    for csa in (False, True):
        dense = model.dense(torch.zeros(1, 3, *size), csa=csa)
        assert torch.allclose(dense.norm(dim=-1), torch.ones(1, n_patches))


def test_padding_after_the_end_changes_no_text(model):
    end = SMALL.vocab_size - 1
    short, long = torch.tensor([[3, 4, end]]), torch.tensor([[3, 4, end, 0, 0, 0, 0]])
    assert torch.allclose(model.encode_texts(short).features, model.encode_texts(long).features, atol=1e-6)


def test_cross_attention_gives_unit_rows_and_weights_that_sum_to_one(model):
    images, texts, patches = torch.randn(2, 5, 16), torch.randn(2, 7, 16), torch.randn(2, 9, 24)
    assert torch.allclose(model.cross_attend_image(texts, patches).norm(dim=-1), torch.ones(2, 7))
    assert torch.allclose(model.cross_attend_text(images, texts).norm(dim=-1), torch.ones(2, 5))
    out, weights = model.text_attn_cross_pool.with_weights(images, texts)
    assert torch.allclose(out, model.text_attn_cross_pool(images, texts), atol=1e-6)
    assert weights.shape == (2, 8, 5, 7)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 8, 5), atol=1e-6)


def test_every_parameter_learns(model):
    ids = torch.tensor([[3, 4, SMALL.vocab_size - 1]])
    images, texts = model.encode_images(torch.randn(1, 3, 32, 32)), model.encode_texts(ids)
    h_t = model.cross_attend_image(texts.features[:, None], images.tokens)
    h_i = model.cross_attend_text(images.features[:, None], texts.tokens)
    loss = ((h_t + h_i) * model.logit_scale * model.distill_logit_scale).sum()
    loss.backward()
    silent = {name for name, p in model.named_parameters() if p.grad is None}
    assert silent == set()


def test_a_saved_model_is_the_same_when_it_is_loaded(model, tmp_path):
    save_model(model, tmp_path / "model", config_from=_like(tmp_path))
    loaded = load_model(tmp_path / "model")
    assert loaded.config == SMALL
    pixels = torch.randn(2, 3, 32, 32)
    assert torch.equal(loaded.encode_images(pixels).features, model.encode_images(pixels).features)


def test_the_hubs_own_ways_of_saving_and_loading_work(model, tmp_path, capsys):
    model.save_pretrained(tmp_path / "model")
    loaded = CosmosModel.from_pretrained(tmp_path / "model")
    assert loaded.config == SMALL
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), model.parameters(), strict=True))
    assert callable(model.push_to_hub)


def test_weights_that_do_not_fit_their_config_are_refused(model, tmp_path):
    save_model(model, tmp_path / "model", config_from=_like(tmp_path))
    config = tmp_path / "model" / "config.json"
    config.write_text(config.read_text().replace('"vision_layers": 2', '"vision_layers": 3'))
    with pytest.raises(CosmosSearchError, match="do not fit"):
        load_model(tmp_path / "model")
    config.write_text("{}[")
    with pytest.raises(CosmosSearchError, match="not a valid config"):
        load_model(tmp_path / "model")


def _like(tmp_path):
    folder = tmp_path / "like"
    folder.mkdir()
    for part in ("tokenizer.json", "preprocessor_config.json"):
        (folder / part).write_text("{}")
    return folder
