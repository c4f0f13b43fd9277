"""Runs with frozen towers, from the command line's functions down, on cached features."""

import shutil
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file

from cosmos_search.encoders.load import load_encoder
from cosmos_search.encoders.mini.config import TrainedConfig
from cosmos_search.encoders.mini.encoder import MiniEncoder
from cosmos_search.models.install import add_model
from cosmos_search.models.store import ModelStore
from cosmos_search.models.trained import TRAINED_FILE
from cosmos_search.network.mini import MiniNetworkConfig
from indexer.errors import CosmosSearchError, UsageError
from tests.pictures import make_shards
from trainer.config import load_config, save_config
from trainer.data.frozen_towers import FrozenTowers
from trainer.presets import PRESETS
from trainer.runs.checkpoints import choose_checkpoint, load_networks
from trainer.runs.errors import InitSizesError, UnknownInitError
from trainer.runs.export import export
from trainer.runs.folder import RunFolder
from trainer.runs.launch import Sources, evaluate_run, resume_run, start_run
from trainer.runs.networks import make_network

# Of the blocks the last alone, and the share of the head that the encoder has
NETWORK = MiniNetworkConfig(first_block=20, head_share=TrainedConfig().global_share)
CONFIG = replace(
    PRESETS["mini-finetune"], network=NETWORK, image_distillation=True, text_distillation=True, cross_attention=True,
    batch=8, n_epochs=0, n_steps=4, save_every=2,
    warmup=1, log_every=1, n_local_images=1, n_captions=3, sample_shuffle=5,
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Graphs and cached features of all tests here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def place(home, tmp_path_factory):
    """A finished run."""
    torch.set_num_threads(1)  # as the fixture of every test does, which runs after this one
    folder = tmp_path_factory.mktemp("frozen")
    make_shards(folder / "data")
    make_shards(folder / "val", 1)
    start_run(CONFIG, Sources(str(folder / "data"), str(folder / "val")), folder / "run")
    return folder


def teacher(run):
    folder = RunFolder(run)
    return load_networks(folder, folder.checkpoints()[-1])["teacher"]


def test_training_changes_the_trained_part_only(place):
    first, last = (
        load_networks(RunFolder(place / "run"), checkpoint)["student"].state_dict()
        for checkpoint in (RunFolder(place / "run").checkpoints()[i] for i in (0, -1))
    )
    changed = {name for name in first if not torch.equal(first[name], last[name])}
    assert {
        "head.weight",
        "blocks.0.expand.weight",
        "last.weight",
        "text_attn_cross_pool.attn.in_proj_weight",
    } <= changed
    assert not changed & {"class_weight", "class_vectors", "feature_mean", "last.scale"}


def test_a_run_that_is_stopped_while_features_are_computed_begins_no_training(home, tmp_path):
    make_shards(tmp_path / "data", 2)
    stop = Event()
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        start_run(CONFIG, Sources(str(tmp_path / "data")), tmp_path / "run", stop=stop)
    assert not (tmp_path / "run").exists()


def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(place):
    half = place / "half"
    shutil.copytree(place / "run", half)
    shutil.rmtree(RunFolder(half).checkpoints()[-1].path)
    assert resume_run(half).name == "step-00000004"
    ours, wanted = teacher(half).state_dict(), teacher(place / "run").state_dict()
    assert not {name for name in wanted if not torch.equal(ours[name], wanted[name])}


def test_an_exported_run_is_the_encoder_that_was_trained(place, home):
    export(place / "run", place / "exported", which="last")
    encoder = MiniEncoder(precision="fp32", trained=place / "exported" / "cosmos-mini.safetensors")
    network = teacher(place / "run").eval()
    picture = Image.new("RGB", (300, 200), "red")
    picture.paste("blue", (100, 50, 200, 150))
    row = torch.from_numpy(FrozenTowers(20).encode_view(picture))[None]
    with torch.no_grad():
        wanted = network.encode_images(row).features[0].numpy()
    (vectors,) = encoder.encode_images([encoder.prepare(picture)])
    assert vectors.shape == (1, 384)
    assert float(vectors[0] @ wanted) > 0.999
    untrained = MiniEncoder(precision="fp32", trained=None)
    assert encoder.version != untrained.version
    assert not np.allclose(vectors, untrained.encode_images([untrained.prepare(picture)])[0], atol=0.01)


def test_an_exported_run_is_installed_as_a_model(place, tmp_path):
    export(place / "run", tmp_path / "mine", which="last")
    store = ModelStore(tmp_path / "models")
    add_model(store, tmp_path / "mine")
    encoder = load_encoder("mine", store=store)
    assert (encoder.name, encoder.calibration) == ("mine", None)
    assert encoder.version == MiniEncoder(trained=tmp_path / "mine" / TRAINED_FILE).version


def test_a_run_is_evaluated_as_the_encoder_that_it_exports(place):
    found = evaluate_run(place / "run", "last", data=place / "val")
    assert found.retrieval.keys() == {"student", "teacher"}
    assert 0 <= found.retrieval["teacher"]["sentence_text_to_image_R@10"] <= 1


@pytest.fixture(scope="module")
def head_run(place):
    """A finished run of the head alone."""
    network = replace(CONFIG.network, train_blocks=False)
    start_run(replace(CONFIG, network=network, lr=0.01), Sources(str(place / "data")), place / "head")
    return place / "head"


def test_a_run_of_the_head_leaves_the_blocks_as_they_are(place, head_run):
    trained, untrained = teacher(head_run).state_dict(), make_network(CONFIG.network).state_dict()
    changed = {name for name in trained if not torch.equal(trained[name], untrained[name])}
    assert {"head.weight", "image_token_mapping.weight"} <= changed
    assert not [name for name in changed if name.startswith(("blocks.", "last."))]
    export(head_run, place / "exported-head")
    assert load_file(place / "exported-head" / "cosmos-mini.safetensors").keys() == {"head.weight", "head.bias"}


def test_a_run_starts_from_the_teacher_of_an_earlier_one(place, head_run):
    start_run(CONFIG, Sources(str(place / "data")), place / "second", init=str(head_run))
    folder = RunFolder(place / "second")
    first = load_networks(folder, folder.checkpoints()[0])["student"].state_dict()
    best = load_networks(RunFolder(head_run), choose_checkpoint(RunFolder(head_run), "best"))["teacher"].state_dict()
    assert not {name for name, wanted in best.items() if not torch.equal(first[name], wanted)}
    assert not torch.equal(teacher(place / "second").state_dict()["head.weight"], first["head.weight"])


def test_a_single_picture_is_refused_in_a_sentence(home, tmp_path):
    (tmp_path / "data").mkdir()
    Image.new("RGB", (80, 60), "red").save(tmp_path / "data" / "a.png")
    (tmp_path / "data" / "a.txt").write_text("a red picture")
    with pytest.raises(CosmosSearchError, match="needs two or more; there is one"):
        start_run(CONFIG, Sources(str(tmp_path / "data")), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_a_run_cannot_start_from_is_refused(place, head_run, tmp_path):
    sources = Sources(str(place / "data"))
    with pytest.raises(UnknownInitError):
        start_run(CONFIG, sources, tmp_path / "run", init="cosmos-mini")
    with pytest.raises(InitSizesError, match="first_block 20 and not 19"):
        start_run(replace(CONFIG, network=MiniNetworkConfig()), sources, tmp_path / "run", init=str(head_run))
    with pytest.raises(UsageError, match="with its own tokenizer"):
        start_run(CONFIG, sources, tmp_path / "run", tokenizer=tmp_path / "tokenizer.json")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"first_block": 15}, "first_block must lie between 16 and 20"),
        ({"first_block": 21}, "first_block must lie between 16 and 20"),
        ({"head_share": 1.5}, "head_share must lie between 0 and 1"),
        ({"temperature": 0.0}, "temperature must be above 0"),
    ],
)
def test_configs_that_cannot_work_are_refused(change, said):
    with pytest.raises(CosmosSearchError, match=said):
        replace(CONFIG, network=replace(CONFIG.network, **change))


def test_files_that_hold_no_trained_weights_are_refused(place, tmp_path):
    export(place / "run", tmp_path / "exported", which="last")
    good = tmp_path / "exported" / "cosmos-mini.safetensors"
    tensors = load_file(good)
    bad = tmp_path / "bad.safetensors"
    for content in (None, b"", b"{}", good.read_bytes()[:-9]):
        bad.unlink(missing_ok=True)
        if content is not None:
            bad.write_bytes(content)
        with pytest.raises(CosmosSearchError, match=r"bad\.safetensors can't be read"):
            MiniEncoder(trained=bad)
    for change, said in (
        ({"head.weight": tensors["head.weight"][:9]}, "no trained head"),
        ({"head.bias": tensors["head.bias"] * np.float16(np.nan)}, "not finite"),
    ):
        save_file(tensors | change, bad)
        with pytest.raises(CosmosSearchError, match=said):
            MiniEncoder(trained=bad)


def test_dropout_and_micro_batches_exclude_each_other():
    with pytest.raises(CosmosSearchError, match="n_micro_batches must be 1 with dropout"):
        replace(CONFIG, n_micro_batches=2)
    replace(CONFIG, n_micro_batches=2, network=replace(CONFIG.network, dropout=0.0))


@pytest.mark.parametrize("preset", ["mini-head", "mini-finetune"])
def test_configs_are_read_as_they_were_written(tmp_path, preset):
    save_config(PRESETS[preset], tmp_path / "config.json")
    assert load_config(tmp_path / "config.json") == PRESETS[preset]
    assert isinstance(load_config(tmp_path / "config.json").network, MiniNetworkConfig)
