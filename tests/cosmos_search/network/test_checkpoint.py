import os
import pickle
import zipfile

import numpy as np
import pytest
import torch

from cosmos_search.network.checkpoint import convert, load_checkpoint
from cosmos_search.network.cosmos import CosmosConfig, CosmosModel
from indexer.errors import CosmosSearchError
from tests import DATA
from tests.micro import SMALL

PARITY = DATA / "parity" / "expected"


@pytest.fixture(scope="module")
def official():
    torch.manual_seed(0)
    return CosmosModel(SMALL).state_dict()


def saved(path, student, teacher, **rest):
    torch.save({"epoch": 1, "student": student, "teacher": teacher, **rest}, path)
    return path


def refusal(path, role="teacher", config=SMALL):
    with pytest.raises(CosmosSearchError) as caught:
        load_checkpoint(path, role, config)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_each_role_is_loaded_with_or_without_a_wrappers_prefix(tmp_path, official, prefix):
    student = {prefix + name: tensor + 1 for name, tensor in official.items()}
    path = saved(tmp_path / "c.pt", student, official, optimizer={"lr": np.float64(0.1)})
    for role, shift in (("student", 1), ("teacher", 0)):
        state = load_checkpoint(path, role, SMALL).state_dict()
        assert all(torch.equal(state[name], official[name] + shift) for name in official)


def test_published_sizes_tell_their_config_by_their_shapes(tmp_path):
    config = CosmosConfig(
        embed_dim=128, image_size=64, patch_size=16, vision_width=192, vision_layers=1, vision_heads=3,
        text_width=128, text_layers=2, text_heads=2, context_length=20, vocab_size=1000,
    )  # fmt: skip
    state = CosmosModel(config).state_dict()
    assert load_checkpoint(saved(tmp_path / "c.pt", state, state)).config == config


def test_heads_that_shapes_do_not_tell_are_asked_for(tmp_path, official):
    message = refusal(saved(tmp_path / "c.pt", official, official), config=None)
    assert "number of heads cannot be derived; its config.json is needed" in message


class Payload:
    def __reduce__(self):
        return os.system, ("touch executed",)


def test_a_pickle_that_could_run_code_is_refused_and_nothing_runs(tmp_path, official, monkeypatch):
    monkeypatch.chdir(tmp_path)
    message = refusal(saved(tmp_path / "c.pt", official, official, payload=Payload()))
    assert "system" in message
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Payload()))
    refusal(tmp_path / "plain.pt")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_refusal_comes_without_warnings_of_the_library(protocol, tmp_path, official, recwarn):
    content = {"student": official, "teacher": official, "payload": Payload()}
    torch.save(content, tmp_path / "c.pt", pickle_protocol=protocol)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert "is not opened" in refusal(tmp_path / "c.pt")
    assert not (tmp_path / "executed").exists()
    assert list(recwarn) == []


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.mkdir()])
def test_what_is_no_file_is_not_waited_for(make, tmp_path):
    make(tmp_path / "c.pt")
    assert "can't be read" in refusal(tmp_path / "c.pt")


def test_missing_and_unknown_tensors_and_wrong_shapes_are_named(tmp_path, official):
    less = {name: tensor for name, tensor in official.items() if name != "ln_final.bias"}
    assert "ln_final.bias" in refusal(saved(tmp_path / "a.pt", less, less))
    more = official | {"visual.extra": torch.zeros(1)}
    assert "visual.extra" in refusal(saved(tmp_path / "b.pt", more, more))
    other = official | {"visual.proj": torch.zeros(24, 17)}
    assert "visual.proj has the shape (24, 17)" in refusal(saved(tmp_path / "c.pt", other, other))


def test_what_is_no_checkpoint_gets_a_sentence(tmp_path, official):
    torch.save({"state_dict": official}, tmp_path / "a.pt")
    assert "no teacher" in refusal(tmp_path / "a.pt")
    torch.save([1, 2], tmp_path / "b.pt")
    assert "no teacher" in refusal(tmp_path / "b.pt")
    (tmp_path / "c.pt").write_bytes(b"hello")
    refusal(tmp_path / "c.pt")
    (tmp_path / "d.pt").touch()
    refusal(tmp_path / "d.pt")
    refusal(tmp_path / "nowhere.pt")
    torch.save({"teacher": {"x": "text"}}, tmp_path / "e.pt")
    assert "more than tensors" in refusal(tmp_path / "e.pt")
    with zipfile.ZipFile(tmp_path / "f.pt", "w") as archive:
        archive.writestr("a.txt", "not torch")
    refusal(tmp_path / "f.pt")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_gets_a_sentence(tmp_path, share):
    whole = (PARITY / "hub_format_micro.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: int(len(whole) * share)])
    assert "truncated" in refusal(tmp_path / "cut.pt")


def test_a_network_with_its_own_vocabulary_needs_its_tokenizer(tmp_path, official):
    torch.manual_seed(0)
    config = CosmosConfig(
        embed_dim=64, image_size=32, patch_size=16, vision_width=64, vision_layers=1, vision_heads=1,
        text_width=64, text_layers=1, text_heads=1, vocab_size=96,
    )  # fmt: skip
    state = CosmosModel(config).state_dict()
    with pytest.raises(CosmosSearchError, match="vocabulary of its own"):
        convert(saved(tmp_path / "c.pt", state, state), tmp_path / "model")
