import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

import cosmos_search
from cosmos_search.explore.pages import SIDE, differ_in_part, is_page
from tests.colour import ColourEncoder
from tests.cosmos_search.explore.test_near_duplicates import names, save, scene

WORDS = "invoice of the month for two rooms with a view over our lake and garden".split()


def page(seed, change=None):
    """Forty lines of text and numbers, of which `change` is another number."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (900, 1270), "#fdfdfa")
    draw = ImageDraw.Draw(image)
    for i in range(40):
        words = [*rng.choice(WORDS, 9), f"{rng.integers(1000, 9999)}.00"]
        if i == change:
            words[-1] = f"{rng.integers(1000, 9999)}.00"
        draw.text((60, 60 + 29 * i), " ".join(words), fill="#151515", font_size=20)
    return image


def square(image, side=SIDE):
    return np.asarray(image.convert("L").resize((side, side), Image.Resampling.BILINEAR, reducing_gap=3.0))


COPIES = {
    "half": lambda image: image.resize((image.width // 2, image.height // 2)),
    "turned": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
}


@pytest.mark.parametrize("seed", range(3))
def test_one_other_number_on_a_page_is_seen_and_a_copy_has_none(seed):
    original, other = page(seed), page(seed, change=7 * seed)
    assert differ_in_part(square(original), square(other))
    assert differ_in_part(square(other, 256), square(original))
    for change in COPIES.values():
        assert not differ_in_part(square(original), square(change(original)))
        assert differ_in_part(square(change(other)), square(original))


def test_pages_are_told_from_photos():
    uneven = np.linspace(1, 0.5, SIDE) * square(page(0))  # light from one side
    assert is_page(square(page(0)))
    assert is_page(255 - square(page(0)))
    assert is_page(uneven.astype(np.uint8))
    dense = page(0).crop((60, 60, 600, 900))
    assert is_page(square(dense))
    assert not is_page(square(scene(0)))


def test_pages_with_other_numbers_are_not_grouped_and_their_copies_are(tmp_path, place):
    for seed, change in ((0, None), (0, 3), (0, 30), (1, None)):
        save(page(seed, change), tmp_path / "photos" / f"page-{seed}-{change}.png")
    for name, change in COPIES.items():
        save(change(page(0, 3)), tmp_path / "photos" / f"{name}.jpg", quality=75)
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        library.add(tmp_path / "photos")
        groups = library.near_duplicates().groups
    assert names(groups) == [sorted([*COPIES, "page-0-3"])]
