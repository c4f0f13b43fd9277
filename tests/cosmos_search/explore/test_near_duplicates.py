import json
import os

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

import cosmos_search
from indexer.errors import CosmosSearchError
from tests.colour import ColourEncoder, dated, paint

CHANGES = {
    "b-half": lambda image: image.resize((image.width // 2, image.height // 2)),
    "c-mirrored": ImageOps.mirror,
    "d-turned": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "e-bright": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "f-flat": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "g-gray": lambda image: ImageOps.grayscale(image).convert("RGB"),
    "h-cropped": lambda image: image.crop((15, 20, image.width - 25, image.height - 5)),
    "i-framed": lambda image: ImageOps.expand(image, 8, fill="white"),
}


def scene(seed, size=(240, 180)):
    """A picture of coarse and fine random patterns, each seed another one."""
    rng = np.random.default_rng(seed)
    layers = [rng.integers(0, 256, (side, side, 3), dtype=np.uint8) for side in (5, 40)]
    coarse, fine = (Image.fromarray(layer).resize(size, Image.Resampling.BICUBIC) for layer in layers)
    return Image.blend(coarse, fine, 0.4)


def save(image, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


def opened(tmp_path, place):
    library = cosmos_search.open(place, encoder=ColourEncoder())
    library.add(tmp_path / "photos")
    return library


def names(groups):
    return [sorted(picture.paths[0].stem for picture in group.pictures) for group in groups]


def test_changed_copies_are_one_group_and_other_pictures_are_not(tmp_path, place):
    photos, original = tmp_path / "photos", scene(0)
    for i in range(1, 8):
        save(scene(i), photos / f"other-{i}.png")
    save(original, photos / "a-original.png")
    for name, change in CHANGES.items():
        save(change(original), photos / f"{name}.png")
    save(original, photos / "j-jpeg.jpg", quality=40)
    save(ImageOps.mirror(scene(1)), photos / "other-1x.png")
    with opened(tmp_path, place) as library:
        found = library.near_duplicates()
    assert names(found.groups) == [["a-original", *CHANGES, "j-jpeg"], ["other-1", "other-1x"]]
    assert {group.kind for group in found.groups} == {"copies"}
    assert (found.n_pictures, found.n_unreadable) == (18, 0)


def test_one_scene_with_something_that_moved_is_no_copy(tmp_path, place):
    background, thing = scene(0), scene(1, (60, 60))
    for left in (20, 140):
        image = background.copy()
        image.paste(thing, (left, 60))
        save(image, tmp_path / "photos" / f"{left}.png")
    with opened(tmp_path, place) as library:
        assert library.near_duplicates().groups == ()


def test_slides_that_differ_in_a_line_are_no_copies(tmp_path, place):
    for n_lines in (2, 3, 4):
        slide = Image.new("RGB", (640, 360), "white")
        draw = ImageDraw.Draw(slide)
        draw.rectangle((0, 0, 640, 55), fill="maroon")
        for i in range(n_lines):
            draw.text((40, 80 + 42 * i), f"• Result {'abcdef'[i] * 9} of the year", fill="black", font_size=20)
        save(slide, tmp_path / "photos" / f"{n_lines}.png")
    with opened(tmp_path, place) as library:
        assert library.near_duplicates().groups == ()


def test_plain_pictures_are_not_verified_as_copies(tmp_path, place):
    for i, colour in enumerate(("red", "red", "maroon", "black", "black")):
        paint(tmp_path / "photos" / f"{i}.png", colour, (64, 64), seed=i)
    with opened(tmp_path, place) as library:
        assert library.near_duplicates().groups == ()


def test_a_chain_of_small_changes_is_not_one_group(tmp_path, place):
    first, last = scene(1), scene(2)
    for i in range(16):
        save(Image.blend(first, last, i / 15), tmp_path / "photos" / f"{i:02}.png")
    with opened(tmp_path, place) as library:
        groups = names(library.near_duplicates().groups)
    assert len(groups) > 1
    assert not any({"00", "15"} <= set(group) for group in groups)


@pytest.mark.parametrize(
    ("name", "change", "options", "reason"),
    [
        ("small.png", lambda image: image.resize((120, 90)), {}, "more pixels"),
        ("cropped.png", lambda image: image.crop((0, 10, 240, 180)), {}, "more pixels"),
        ("framed.png", lambda image: ImageOps.expand(image, 10, fill="black"), {}, None),
        ("gray.png", lambda image: ImageOps.grayscale(image), {}, "in colour"),
        ("soft.png", lambda image: image.filter(ImageFilter.GaussianBlur(1.5)), {}, "sharper"),
        ("strong.jpg", lambda image: image, {"quality": 85}, "less compressed"),
    ],
)
def test_the_best_one_is_marked_with_the_reason(tmp_path, place, name, change, options, reason):
    save(scene(0), tmp_path / "photos" / "a.png")
    save(change(scene(0)), tmp_path / "photos" / name, **options)
    with opened(tmp_path, place) as library:
        (group,) = library.near_duplicates().groups
    assert group.keep.name == "a.png"
    assert [path.name for path in group.other_paths] == [name]
    assert reason is None or reason in group.reasons


def test_files_with_the_same_content_are_a_group_but_not_the_kept_file_by_another_name(tmp_path, place):
    save(scene(0), tmp_path / "photos" / "a.png")
    content = (tmp_path / "photos" / "a.png").read_bytes()
    (tmp_path / "photos" / "b.png").write_bytes(content)
    os.link(tmp_path / "photos" / "a.png", tmp_path / "photos" / "c.png")
    with opened(tmp_path, place) as library:
        (group,) = library.near_duplicates().groups
    assert (group.keep.name, group.reasons, group.others) == ("a.png", ("same content",), ())
    assert [path.name for path in group.other_paths] == ["b.png"]
    (tmp_path / "photos" / "b.png").unlink()
    with opened(tmp_path, place) as library:
        assert library.near_duplicates().groups == ()


def test_photos_of_one_camera_within_seconds_are_a_burst_even_if_nothing_moved(tmp_path, place):
    image = scene(0)
    for name, second, camera in (("a", 0, "X"), ("b", 2, "X"), ("c", 4, "X"), ("d", 30, "X"), ("e", 1, "Y")):
        moved = image.crop((3 * second, 0, 180 + 3 * second, 180))
        options = {"exif": dated(f"2024:01:01 00:00:{second:02}", camera=camera), "quality": 95}
        save(moved if name != "b" else image.crop((0, 0, 180, 180)), tmp_path / "photos" / f"{name}.jpg", **options)
    save(image.crop((0, 0, 90, 90)).resize((60, 60)), tmp_path / "photos" / "f.png")
    with opened(tmp_path, place) as library:
        found = library.near_duplicates()
    assert ["a", "b", "c"] in names(found.of_kind("burst"))
    assert not any({"a", "b"} <= set(group) for group in names(found.of_kind("copies")))


def test_pictures_whose_files_cannot_be_read_are_left_out_and_counted(tmp_path, place):
    for name in ("a", "b", "c"):
        save(scene(0).resize((200, 100 + ord(name))), tmp_path / "photos" / f"{name}.png")
    with opened(tmp_path, place) as library:
        (tmp_path / "photos" / "b.png").unlink()
        (tmp_path / "photos" / "c.png").write_bytes(b"no picture")
        found = library.near_duplicates()
    assert found.groups == ()
    assert (found.n_pictures, found.n_unreadable) == (1, 2)


def test_a_group_becomes_json(tmp_path, place):
    save(scene(0), tmp_path / "photos" / "a.png")
    save(scene(0).resize((120, 90)), tmp_path / "photos" / "b.png")
    with opened(tmp_path, place) as library:
        (group,) = library.near_duplicates().groups
    values = json.loads(json.dumps(group.to_dict()))
    assert values["kind"] == "copies"
    assert values["keep"] == str(group.keep)
    assert values["reasons"] == ["more pixels"]
    assert values["others"] == [str(tmp_path / "photos" / "b.png")]
    assert [picture["path"] for picture in values["pictures"]] == [values["keep"], *values["others"]]


def test_progress_goes_from_0_to_1(tmp_path, place):
    for i in range(3):
        save(scene(0).resize((100 + i, 100)), tmp_path / "photos" / f"{i}.png")
    shares: list[float] = []
    with opened(tmp_path, place) as library:
        library.near_duplicates(on_progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_an_index_that_is_missing_or_empty_is_an_error(tmp_path, place):
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        with pytest.raises(CosmosSearchError, match="no index"):
            library.near_duplicates()
        (tmp_path / "photos").mkdir()
        library.add(tmp_path / "photos")
        with pytest.raises(CosmosSearchError, match="holds no pictures"):
            library.near_duplicates()
