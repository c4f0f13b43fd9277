import json

import torch

from cosmos_search.network.cosmos import CosmosModel
from tests.micro import MICRO, PARITY
from trainer.method.optimizer import clamp_scales, find_decayed_names, make_optimizer


def test_the_groups_are_the_authors():
    expected = json.loads((PARITY / "param_groups_micro.json").read_text())
    model = CosmosModel(MICRO)
    decayed = find_decayed_names(model)
    assert decayed == set(expected["decay"])
    assert {name for name, _ in model.named_parameters()} - decayed == set(expected["no_decay"])


def test_every_parameter_is_in_one_group():
    model = CosmosModel(MICRO)
    optimizer = make_optimizer(model, lr=1e-3, weight_decay=0.5, betas=(0.9, 0.98), eps=1e-8)
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
