import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

import cosmos_search
from cosmos_search.explore.near_duplicates import BLOCK, _find_leaders
from indexer.errors import CosmosSearchError, UsageError
from tests.colour import ColourEncoder, dated, paint

NEAR = 0.98  # in a space of four numbers everything is nearer


def patchwork(seed, size=(240, 160)):
    """A picture of nine plain colours, each seed another one."""
    colours = 200 * np.random.default_rng(seed).integers(0, 2, (3, 3, 3), dtype=np.uint8)
    return Image.fromarray(colours).resize(size, Image.Resampling.NEAREST)


def save(image, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


def opened(tmp_path, place):
    library = cosmos_search.open(place, encoder=ColourEncoder())
    library.add(tmp_path / "photos")
    return library


def names(groups):
    return [[record.paths[0].stem for record in group] for group in groups]


@pytest.mark.parametrize("n_others", [5, 30])  # with fewer than 20 pictures nothing is taken off the vectors
def test_copies_that_were_changed_a_little_stand_together_and_others_do_not(tmp_path, n_others, place):
    photos, original = tmp_path / "photos", patchwork(0)
    for i in range(1, n_others):
        save(patchwork(i), photos / f"other-{i}.png")
    save(original, photos / "a-original.png")
    save(original.resize((120, 80)), photos / "b-half.png")
    save(ImageOps.mirror(original), photos / "c-mirrored.png")
    save(ImageEnhance.Brightness(original).enhance(1.1), photos / "d-bright.png")
    save(original, photos / "e-jpeg.jpg", quality=60)
    save(original.crop((6, 4, 234, 156)), photos / "f-cropped.png")
    save(ImageOps.mirror(patchwork(1)), photos / "other-1x.png")
    (photos / "same-content.png").write_bytes((photos / "a-original.png").read_bytes())
    with opened(tmp_path, place) as library:
        assert names(library.near_duplicates(NEAR)) == [
            ["a-original", "b-half", "c-mirrored", "d-bright", "e-jpeg", "f-cropped"],
            ["other-1", "other-1x"],
        ]


def test_like_colours_in_other_places_are_no_duplicates_where_there_are_regions(tmp_path, place):
    for i, order in enumerate((("red", "blue", "lime"), ("blue", "lime", "red"))):
        striped = Image.new("RGB", (240, 180))
        for row, colour in enumerate(order):
            striped.paste(colour, (0, 60 * row, 240, 60 * row + 60))
        save(striped, tmp_path / "photos" / f"{i}.png")
    with opened(tmp_path, place) as library:
        assert library.near_duplicates() == []
        library.add(regions="none", rebuild=True)
        assert names(library.near_duplicates()) == [["0", "1"]]


def test_a_chain_of_ever_so_little_changes_is_not_one_group(tmp_path, place):
    first, last = patchwork(1), patchwork(2)
    for i in range(30):
        save(Image.blend(first, last, i / 29), tmp_path / "photos" / f"{i:02}.png")
    with opened(tmp_path, place) as library:
        groups = names(library.near_duplicates(0.95))
    assert len(groups) > 1
    assert not any({"00", "29"} <= set(group) for group in groups)


def test_members_stand_by_date_and_those_without_one_last(tmp_path, place):
    for name, exif in (("c", "2024:01:01 00:00:00"), ("b", "2023:01:01 00:00:00"), ("a", None)):
        options = {"exif": dated(exif)} if exif else {}
        save(patchwork(0), tmp_path / "photos" / f"{name}.jpg", **options)
    with opened(tmp_path, place) as library:
        assert names(library.near_duplicates()) == [["b", "c", "a"]]


def test_progress_goes_from_0_to_1(tmp_path, place):
    for i in range(3):
        paint(tmp_path / "photos" / f"{i}.png", "red", seed=i)
    shares: list[float] = []
    with opened(tmp_path, place) as library:
        library.near_duplicates(on_progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_leaders_are_those_that_a_plain_loop_finds():
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((BLOCK + 500, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    expected: list[int] = []
    leading: list[int] = []
    for i, vector in enumerate(vectors):
        cosines = vectors[leading] @ vector
        if len(leading) and cosines.max() >= 0.9:
            expected.append(leading[int(cosines.argmax())])
        else:
            leading.append(i)
            expected.append(i)
    found = _find_leaders(vectors, 0.9, lambda share: None)
    assert len(leading) > 20
    assert (found == expected).mean() > 0.999  # the last bit of a product may decide


def test_what_cannot_be_answered_is_refused(tmp_path, place):
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        with pytest.raises(CosmosSearchError, match="no index"):
            library.near_duplicates()
        for cosine in (0, 1.1):
            (tmp_path / "photos").mkdir(exist_ok=True)
            library.add(tmp_path / "photos")
            with pytest.raises(UsageError, match="not a valid cosine"):
                library.near_duplicates(cosine)
        with pytest.raises(CosmosSearchError, match="holds no pictures"):
            library.near_duplicates()
