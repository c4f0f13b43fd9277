from random import Random

import numpy as np
import pytest
import torch
from PIL import Image

from cosmos_search.processing.image import CLIP_MEAN, CLIP_STD
from tests.micro import PARITY
from trainer.data.multi_crop import Crop, MultiCrop, make_plain_view

PICTURE = PARITY.parent / "inputs/images/rgb_320x240.png"


def seeds(seed=0):
    return Random(seed), torch.Generator().manual_seed(seed)


def test_a_draw_of_the_multi_crop_is_the_authors_to_the_last_bit():
    expected = np.load(PARITY / "image_crops.npz")
    random, generator = seeds()
    crops = MultiCrop(224, 96, 6, border=0.4).crops
    picture = Image.open(PICTURE).convert("RGB")
    views = [np.array(crop(picture, random, generator)).transpose(2, 0, 1) for crop in crops]
    for view, right in zip(views, [*expected["global"], *expected["local"]], strict=True):
        np.testing.assert_array_equal(view, right)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (500, 2), (3, 2)])
def test_any_picture_has_all_its_views(size):
    multi_crop = MultiCrop(32, 16, 3, border=0.4)
    for seed in range(5):
        views = multi_crop(Image.new("RGB", size, "red"), *seeds(seed))
        assert [tuple(view.shape) for view in views] == [(3, 32, 32)] * 2 + [(3, 16, 16)] * 3
        assert all(torch.isfinite(view).all() for view in views)


def test_a_seed_gives_the_same_views_again():
    picture = Image.open(PICTURE).convert("RGB")
    first, second = (MultiCrop(32, 16, 3, border=0.4)(picture, *seeds(7)) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("size", [(300, 10), (10, 300)])
def test_a_picture_too_narrow_for_any_crop_is_cropped_at_its_center(size):
    picture = Image.new("RGB", size, "black")
    picture.paste("white", (size[0] // 2 - 20, size[1] // 2 - 20, size[0] // 2 + 20, size[1] // 2 + 20))
    view = Crop(8, (0.9, 1.0), blur=0.0, augment=False)(picture, *seeds())
    assert np.array(view).min() == 255


def test_local_views_are_parts():
    halves = Image.new("RGB", (100, 100), "black")
    halves.paste("white", (50, 0, 100, 100))
    crop = Crop(16, (0.05, 0.1), blur=0.0)
    random, generator = seeds()
    means = [np.array(crop(halves, random, generator)).mean() for _ in range(40)]
    assert min(means) < 1
    assert max(means) > 150


@pytest.mark.parametrize("seed", range(10))
def test_the_plain_view_keeps_nine_tenths_of_the_picture(seed):
    """A ramp from 0 to 1, in red from left to right and in green from top to bottom."""
    ramp = np.tile(np.linspace(0, 255, 256, dtype=np.uint8), (256, 1))
    picture = Image.fromarray(np.stack([ramp, ramp.T, ramp], axis=2))
    view = make_plain_view(picture, 64, seeds(seed)[1])
    assert view.shape == (3, 64, 64)
    red, green, _ = view * torch.tensor(CLIP_STD)[:, None, None] + torch.tensor(CLIP_MEAN)[:, None, None]
    width, height = (red[:, -1] - red[:, 0]).mean(), (green[-1] - green[0]).mean()
    assert width * height > 0.86  # the outermost pixels lie half a pixel within
    assert min(width, height) > 0.88


def test_views_without_augmentation_keep_their_sides_and_colours():
    halves = Image.new("RGB", (100, 100), "red")
    halves.paste("blue", (50, 0, 100, 100))
    multi_crop = MultiCrop(16, 8, 1, border=0.9, augment=False)
    for seed in range(10):
        first, second, _ = multi_crop(halves, *seeds(seed))
        for view in (first, second):
            assert view[0, :, 0].mean() > view[0, :, -1].mean()  # red on the left
            assert view[2, :, 0].mean() < view[2, :, -1].mean()
