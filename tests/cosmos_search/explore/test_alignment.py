import numpy as np
import pytest
from PIL import Image, ImageOps

from cosmos_search.explore.alignment import compare_pairs, make_orientations
from cosmos_search.explore.luminance import SIDE
from tests.cosmos_search.explore.test_near_duplicates import scene


def square(image):
    return np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def compare(first, second):
    (similarity,) = compare_pairs(np.stack([square(first), square(second)]), np.array([[0, 1]]))
    return similarity


@pytest.mark.parametrize("seed", range(4))
def test_a_crop_in_any_orientation_is_found_whichever_of_the_two_comes_first(seed):
    rng = np.random.default_rng(seed)
    image = scene(seed, (400, 300))
    left, top, right, bottom = rng.uniform(0, 0.14, 4)
    crop = image.crop((int(400 * left), int(300 * top), int(400 * (1 - right)), int(300 * (1 - bottom))))
    changed = ImageOps.mirror(crop).rotate(90 * int(rng.integers(4)), expand=True)
    darker = changed.point(lambda value: 20 + 0.6 * value)
    assert compare(image, darker) > 0.95
    assert compare(darker, image) > 0.95


def test_other_pictures_are_not_similar():
    pairs = np.array([(i, j) for i in range(8) for j in range(i)])
    squares = np.stack([square(scene(i)) for i in range(8)])
    assert compare_pairs(squares, pairs).max() < 0.5


def test_all_eight_orientations_differ_and_come_from_turns_and_a_mirror():
    numbers = np.arange(9, dtype=np.uint8).reshape(3, 3)
    turned = make_orientations(numbers)
    assert len({one.tobytes() for one in turned}) == 8
    assert turned[0].tolist() == numbers.tolist()
    assert turned[4].tolist() == numbers[:, ::-1].tolist()
    assert make_orientations(np.stack([numbers, numbers]))[1].tolist() == turned.tolist()


def test_no_pairs_have_no_similarities():
    assert compare_pairs(np.zeros((2, SIDE, SIDE), np.uint8), np.empty((0, 2), np.int64)).shape == (0,)
