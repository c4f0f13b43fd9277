import json

import numpy as np
import pytest
from PIL import Image
from transformers import CLIPImageProcessor

from cosmos_search.processing.image import Preprocess
from indexer.errors import CosmosSearchError


def picture(width, height):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("size", [(224, 224), (500, 300), (225, 224), (37, 601), (1, 1), (1, 20_000)])
def test_pixels_are_a_square_of_bytes(size):
    pixels = Preprocess(224).pixels(picture(*size))
    assert (pixels.shape, pixels.dtype) == ((224, 224, 3), np.uint8)


def test_the_centre_is_kept():
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("lime", (100, 0, 200, 100))
    assert (Preprocess(32).pixels(wide)[8:-8, 8:-8] == [0, 255, 0]).all()


@pytest.mark.parametrize(("width", "first"), [(8, 0), (9, 0), (11, 2), (13, 2), (15, 4)])
def test_half_a_pixel_beside_the_centre_is_rounded_to_even_as_torchvision_does(width, first):
    ramp = Image.fromarray(np.tile(np.arange(width, dtype=np.uint8), (8, 1))).convert("RGB")
    assert Preprocess(8).pixels(ramp)[0, :, 0].tolist() == list(range(first, first + 8))


def test_pictures_are_resized_by_bicubic_interpolation_which_overshoots_at_an_edge():
    edge = Image.new("RGB", (4, 4), (64, 64, 64))
    edge.paste((192, 192, 192), (2, 0, 4, 4))
    assert Preprocess(8).pixels(edge)[0, :, 0].tolist() == [64, 61, 55, 90, 166, 201, 195, 192]


def test_scaling_uses_each_channels_mean_and_deviation():
    scaled = Preprocess(8, mean=(0.0, 0.5, 1.0), std=(1.0, 0.5, 2.0))(Image.new("RGB", (8, 8), "white"))
    assert scaled.shape == (3, 8, 8)
    assert scaled[:, 0, 0].tolist() == [1.0, 1.0, 0.0]


def test_what_is_saved_is_loaded_and_read_by_transformers(tmp_path):
    Preprocess(96).save(tmp_path / "preprocessor_config.json")
    assert Preprocess.load(tmp_path / "preprocessor_config.json") == Preprocess(96)
    theirs = CLIPImageProcessor.from_pretrained(tmp_path)
    square = picture(192, 192)
    pixels = np.asarray(theirs(square, return_tensors="np")["pixel_values"][0])
    assert np.abs(pixels - Preprocess(96)(square)).max() < 1e-5


def test_older_and_other_ways_to_say_the_size_are_understood(tmp_path):
    path = tmp_path / "p.json"
    rest = {"image_mean": [0, 0, 0], "image_std": [1, 1, 1]}
    path.write_text(json.dumps(rest | {"size": 224, "crop_size": 224}))
    assert Preprocess.load(path).side == 224
    path.write_text(json.dumps(rest | {"size": {"height": 64, "width": 64}}))
    assert Preprocess.load(path).keeps_shape is False


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"size": 224, "crop_size": 256, "image_mean": [0,0,0], "image_std": [1,1,1]}']
)
def test_what_is_not_understood_is_refused(tmp_path, content):
    (tmp_path / "p.json").write_text(content)
    with pytest.raises(CosmosSearchError):
        Preprocess.load(tmp_path / "p.json")
