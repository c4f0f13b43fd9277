"""Cached features of frozen towers, with the real towers of the built-in encoder."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from cosmos_search.encoders.mini.encoder import MiniEncoder
from cosmos_search.encoders.mini.weights import find_weights
from cosmos_search.model_config import MINI_POOLED
from cosmos_search.network.mini import MiniNetwork, MiniNetworkConfig
from tests.pictures import make_shards
from trainer.data.errors import FeatureCacheError
from trainer.data.features import FeatureCache, FeaturePlan, cache_features
from trainer.data.frozen_towers import FrozenTowers
from trainer.data.samples import open_source

TENSORS = ("views", "single", "joined", "words")


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def towers(cache_folder):
    return FrozenTowers(19, cache_folder)


@pytest.fixture
def source(tmp_path):
    return open_source(make_shards(tmp_path / "data"))


@pytest.fixture
def plan(source, towers):
    return FeaturePlan(towers.version, 19, source.inventory(), n_global=1, n_local=1, n_joined=2, block_size=4)


def ignore(n_done):
    pass


def read(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("first_block", [16, 19])
def test_an_untrained_network_gives_the_vectors_of_the_encoder(cache_folder, first_block):
    encoder = MiniEncoder(cache_folder, precision="fp32", trained=None)
    towers = FrozenTowers(first_block, cache_folder)
    config = MiniNetworkConfig(first_block=first_block, head_share=0.0)
    network = MiniNetwork(config, find_weights().read_image(), encoder.class_vectors).eval()
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((600, 400))
    row = torch.from_numpy(towers.encode_view(picture))[None]
    (wanted,) = encoder.encode_images([encoder.prepare(picture)])
    with torch.no_grad():
        encoded = network.encode_images(row)
        pooled_alone = network.encode_images(row[:, -MINI_POOLED:])
    assert encoded.tokens.shape == (1, 81, 1280)
    assert pooled_alone.tokens.shape == (1, 0, 1280)
    assert float(encoded.features[0] @ pooled_alone.features[0]) > 0.9999
    assert float(encoded.features[0] @ torch.from_numpy(wanted[0])) > 0.9999
    text = towers.encode_text("a dog on a beach")
    assert np.allclose(text.vector, encoder.encode_texts(["a dog on a beach"])[0], atol=1e-5)
    assert text.words.shape[1] == 384
    assert not text.is_cut


def test_the_penalty_for_changed_blocks_is_zero_before_training_and_above_it_after(cache_folder, towers):
    encoder = MiniEncoder(cache_folder, trained=None)
    network = MiniNetwork(
        MiniNetworkConfig(head_classes=0.0), find_weights().read_image(), encoder.class_vectors
    ).eval()
    row = torch.from_numpy(towers.encode_view(Image.new("RGB", (300, 200), "red")))[None]
    with torch.no_grad():
        assert float(network.encode_images(row).penalty) < 1e-3
        network.last.weight.mul_(0.5)
        assert float(network.encode_images(row).penalty) > 0.1


def test_the_penalty_of_the_head_is_its_distance_from_the_class_probabilities(cache_folder, towers):
    encoder = MiniEncoder(cache_folder, trained=None)
    config = MiniNetworkConfig(train_blocks=False, head_classes=0.5)
    network = MiniNetwork(config, find_weights().read_image(), encoder.class_vectors).eval()
    row = torch.from_numpy(towers.encode_view(Image.new("RGB", (300, 200), "red")))[None]
    pooled, classes = row[:, -MINI_POOLED:].float(), torch.from_numpy(encoder.class_vectors)
    classes = torch.nn.functional.normalize(classes - classes.mean(dim=0), dim=-1)
    with torch.no_grad():
        wanted = (network.classify(pooled) / 1.5).softmax(dim=-1)
        found = (network.embed_head(pooled) @ classes.T / 0.05).softmax(dim=-1)
        divergence = float((wanted * (wanted / found).log()).sum())
        assert float(network.encode_images(row).penalty) == pytest.approx(0.5 * divergence, rel=1e-3)


def test_caching_resumes_after_an_interruption(tmp_path, source, plan, towers):
    whole = cache_features(source, tmp_path / "whole", plan, towers, ignore)
    assert len(whole) == source.count()

    def interrupt(n_done):
        if n_done > plan.block_size:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache_features(source, tmp_path / "cut", plan, towers, interrupt)
    kept = read(tmp_path / "cut")
    assert len(kept) == 3  # the plan and two blocks
    progress = []
    resumed = cache_features(source, tmp_path / "cut", plan, towers, progress.append)
    assert progress[0] == 2 * plan.block_size
    assert kept.items() <= read(tmp_path / "cut").items()
    assert [sample.key for sample in resumed] == [sample.key for sample in whole]
    for one, other in zip(resumed, whole, strict=True):
        assert all(torch.equal(getattr(one, name), getattr(other, name)) for name in TENSORS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"towers": "others"}, "towers"),
        ({"first_block": 20}, "first_block"),
        ({"crop_border": 0.3}, "crop_border"),
        ({"n_local": 3, "seed": 1}, "n_local, seed"),
        ({"inventory": {"a.tar": 1}}, "inventory"),
    ],
)
def test_features_of_another_plan_are_refused(tmp_path, source, plan, towers, change, said):
    cache_features(source, tmp_path / "cache", plan, towers, ignore)
    before = read(tmp_path / "cache")
    for use in (
        lambda: FeatureCache(tmp_path / "cache", replace(plan, **change)),
        lambda: cache_features(source, tmp_path / "cache", replace(plan, **change), towers, ignore),
    ):
        with pytest.raises(FeatureCacheError, match=f"another setting of {said}"):
            use()
    assert read(tmp_path / "cache") == before


def test_damaged_features_are_refused(tmp_path, source, plan, towers):
    cache_features(source, tmp_path / "cache", plan, towers, ignore)
    file = tmp_path / "cache" / "block-000001.safetensors"
    content = file.read_bytes()
    for damaged in (content[:-5], content[:-5] + b"\x01" * 5, content[:3], b""):
        file.write_bytes(damaged)
        with pytest.raises(FeatureCacheError, match=r"block-000001\.safetensors is damaged"):
            FeatureCache(tmp_path / "cache", plan)
    file.unlink()
    with pytest.raises(FeatureCacheError, match="block 1 is missing"):
        FeatureCache(tmp_path / "cache", plan)


def test_samples_that_cannot_be_used_are_skipped_and_named(tmp_path, towers):
    data = tmp_path / "data"
    data.mkdir()
    for name, caption in (("good", "a red square"), ("no-caption", " "), ("torn", "a dog")):
        Image.new("RGB", (40, 30), "red").save(data / f"{name}.png")
        (data / f"{name}.txt").write_text(caption)
    (data / "torn.png").write_bytes(b"\x89PNG")
    source = open_source(data)
    plan = FeaturePlan(towers.version, 19, source.inventory(), n_global=0, n_local=0, n_joined=1)
    cache = cache_features(source, tmp_path / "cache", plan, towers, ignore)
    assert [sample.key for sample in cache] == ["good.png"]
    assert sorted(sample.key for sample in cache.skipped) == ["no-caption.png", "torn.png"]
    assert cache.find("torn.png") is None


def test_a_caption_longer_than_the_text_tower_is_cut(towers):
    long = towers.encode_text("a dog and " * 200)
    assert long.is_cut
    assert len(long.words) == 48
    assert np.linalg.norm(long.vector) == pytest.approx(1, abs=1e-5)
