"""Files with the names of before are data/earlier-names: written, like the outputs there, by the code of that time."""

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from cosmos_search.network.checkpoint import load_model
from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.network.tensor_names import rename_as_in_file
from indexer.errors import CosmosSearchError
from tests import DATA

EARLIER = DATA / "earlier-names"


@pytest.mark.parametrize("load", [load_model, CosmosModel.from_pretrained], ids=["load_model", "from_pretrained"])
def test_a_model_with_the_names_of_before_computes_what_it_did(load):
    model, wanted = load(EARLIER), np.load(EARLIER / "outputs.npz")
    pixels, ids = torch.tensor(wanted["pixels"]), torch.tensor(wanted["ids"])
    with torch.inference_mode():
        images, texts = model.encode_images(pixels), model.encode_texts(ids)
        found = {
            "images": images.features,
            "texts": texts.features,
            "h_i": model.cross_attend_text(images.features[:, None], texts.tokens),
            "h_t": model.cross_attend_image(texts.features[:, None], images.tokens),
            "dense": model.dense(pixels, csa=True),
        }
    for name, tensor in found.items():
        np.testing.assert_allclose(tensor.numpy(), wanted[name], atol=1e-5, err_msg=name)


def test_each_tensor_of_before_has_one_place_and_all_of_the_network_is_covered():
    found = load_file(EARLIER / "model.safetensors")
    state = load_model(EARLIER).state_dict()
    views = rename_as_in_file(state, found)
    assert {name: view.shape for name, view in views.items()} == {name: x.shape for name, x in found.items()}
    for view in views.values():
        view.fill_(7)
    assert all(bool((tensor == 7).all()) for tensor in state.values())


CHANGES = {
    "one of q, k and v missing": lambda weights: weights.pop("vision.blocks.1.self_attn.k_proj.weight"),
    "a new name more": lambda weights: weights.update({"visual.proj": torch.zeros(8, 8)}),
    "another shape": lambda weights: weights.update({"text.blocks.0.self_attn.q_proj.bias": torch.zeros(24)}),
    "NaN": lambda weights: weights["text.blocks.1.self_attn.v_proj.weight"][3].fill_(float("nan")),
    "the name that tells the layout, alone": lambda weights: weights.pop("vision.positions"),
    "nothing": lambda weights: weights.clear(),
}


@pytest.mark.parametrize("load", [load_model, CosmosModel.from_pretrained], ids=["load_model", "from_pretrained"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_file_of_before_that_does_not_fit_is_refused(change, load, tmp_path):
    shutil.copytree(EARLIER, tmp_path / "model")
    file = tmp_path / "model" / "model.safetensors"
    weights = load_file(file)
    change(weights)
    save_file(weights, file)
    with pytest.raises(CosmosSearchError, match=r"model\.safetensors"):
        load(tmp_path / "model")
