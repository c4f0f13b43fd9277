import json

import torch

from cosmos_search.network.cosmos import CosmosModel
from cosmos_search.network.state_dict import to_official
from tests.micro import MICRO, PARITY
from trainer.method.optimizer import adamw, clamp_scales, decayed_names, decays


def test_the_groups_are_the_authors():
    expected = json.loads((PARITY / "param_groups_micro.json").read_text())
    official = to_official(dict(CosmosModel(MICRO).named_parameters()))
    for group, is_decayed in (("decay", True), ("no_decay", False)):
        assert {name for name, p in official.items() if decays(name, p.ndim) == is_decayed} == set(expected[group])


def test_q_k_and_v_decay_as_the_packed_tensor_does():
    names = decayed_names(CosmosModel(MICRO))
    for part in "qkv":
        assert f"text.blocks.0.self_attn.{part}_proj.weight" in names
        assert f"text.blocks.0.self_attn.{part}_proj.bias" not in names
    assert {"vision.positions", "text.token_embedding.weight", "vision.projection"} <= names
    assert not {"vision.class_embedding", "vision.norm_after.weight", "logit_scale"} & names


def test_every_parameter_is_in_one_group():
    model = CosmosModel(MICRO)
    optimizer = adamw(model, lr=1e-3, weight_decay=0.5, betas=(0.9, 0.98), eps=1e-8)
    n_parameters = sum(len(group["params"]) for group in optimizer.param_groups)
    assert n_parameters == len(list(model.parameters()))


def test_scales_stay_between_1_and_100():
    model = CosmosModel(MICRO)
    with torch.no_grad():
        model.logit_scale.fill_(9)
        model.distill_logit_scale.fill_(-1)
    clamp_scales(model)
    torch.testing.assert_close(model.logit_scale.exp().detach(), torch.tensor(100.0))
    assert model.distill_logit_scale == 0
