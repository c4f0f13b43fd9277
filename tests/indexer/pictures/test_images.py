import io
import warnings

import numpy as np
import pytest
from PIL import Image, ImageOps

from indexer.errors import PictureError
from indexer.pictures.images import TURNS, compute_fingerprint, open_picture, reading_pictures


@pytest.fixture(autouse=True)
def _during_a_run():
    with reading_pictures():
        yield


def saved(image, format_, **options):
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file


def opened(file, min_side=1, **options):
    return open_picture(file, min_side=min_side, **options)


def reason(content):
    with pytest.raises(PictureError) as caught:
        opened(io.BytesIO(content))
    return str(caught.value)


def noise(width, height):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((width, height))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(orientation):
    upright = ImageOps.scale(Image.fromarray(np.array([[[250, 0, 0], [0, 250, 0], [0, 0, 250]]] * 2, np.uint8)), 8, 0)
    back = {5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
    stored = upright.transpose(TURNS[back]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = opened(saved(stored, "PNG", exif=exif))
    assert (picture.width, picture.height) == upright.size == picture.image.size
    assert np.array_equal(np.asarray(picture.image), np.asarray(upright))


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_every_format_is_read(format_):
    picture = opened(saved(Image.new("RGB", (40, 30), "red"), format_), min_side=30)
    assert picture.image.size == (40, 30)
    assert np.abs(np.asarray(picture.image).astype(int) - [255, 0, 0]).max() < 12


def test_heic_is_read_with_the_extra():
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    picture = opened(saved(Image.new("RGB", (64, 48), "red"), "HEIF"))
    assert picture.image.size == (64, 48)
    assert np.abs(np.asarray(picture.image).astype(int) - [255, 0, 0]).max() < 12


@pytest.mark.parametrize("min_side", [100, 200, 333, 5000])
def test_a_jpeg_comes_as_small_as_is_allowed_and_not_smaller(min_side):
    picture = opened(saved(noise(1601, 1203), "JPEG"), min_side=min_side)
    assert (picture.width, picture.height) == (1601, 1203)
    side = min(picture.image.size)
    assert side >= min(min_side, 1203)
    assert side < max(2 * min_side + 2, 152) or side == 1203


def test_only_the_first_frame_of_an_animation_counts():
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "lime")]
    for format_ in ("GIF", "WEBP", "PNG"):
        file = saved(frames[0], format_, save_all=True, append_images=frames[1:])
        assert opened(file).image.getpixel((5, 5))[0] > 240


@pytest.mark.parametrize(
    ("image", "rgb"),
    [
        (Image.new("CMYK", (4, 4), (0, 255, 255, 0)), (255, 0, 0)),
        (Image.new("RGBA", (4, 4), (255, 0, 0, 0)), (255, 255, 255)),
        (Image.new("RGBA", (4, 4), (255, 0, 0, 128)), (255, 127, 127)),
        (Image.new("LA", (4, 4), (0, 0)), (255, 255, 255)),
        (Image.new("L", (4, 4), 77), (77, 77, 77)),
        (Image.new("1", (4, 4), 1), (255, 255, 255)),
        (Image.new("RGB", (4, 4), "red").quantize(4), (255, 0, 0)),
        (Image.fromarray(np.full((4, 4), 0x8080, np.uint16)), (128, 128, 128)),
        (Image.fromarray(np.full((4, 4), 0x8080, np.int32)), (128, 128, 128)),
        (Image.fromarray(np.full((4, 4), 0.5, np.float32)), (128, 128, 128)),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else "",
)
def test_every_kind_of_pixel_comes_out_in_its_colour(image, rgb):
    got = opened(saved(image, "TIFF")).image
    assert got.mode == "RGB"
    assert np.abs(np.array(got.getpixel((1, 1))) - rgb).max() <= 1


def test_a_cmyk_jpeg_is_not_turned_inside_out():
    got = opened(saved(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG", quality=95), min_side=8).image
    assert np.abs(np.array(got.getpixel((3, 3))) - (255, 0, 0)).max() <= 8


def test_a_16_bit_gradient_stays_a_gradient():
    gradient = Image.fromarray(np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, 0))
    assert np.array_equal(np.asarray(opened(saved(gradient, "PNG")).image)[0, :, 0], np.arange(256))


@pytest.mark.parametrize("transparency", [0, b"\0\xff"])
def test_a_transparent_palette_lies_on_white(transparency):
    image = Image.new("P", (4, 4), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    got = opened(saved(image, "PNG", transparency=transparency)).image
    assert got.getpixel((0, 0)) == (255, 255, 255)


def test_one_pixel_is_a_picture():
    assert opened(saved(Image.new("RGB", (1, 1), "red"), "PNG"), min_side=224).image.size == (1, 1)


def test_bad_files_have_short_reasons():
    jpeg = saved(noise(200, 200), "JPEG").getvalue()
    assert reason(b"") == "the file is empty"
    assert reason(b"hello" * 100).startswith("not a picture")
    assert reason(jpeg[: len(jpeg) // 2]) == "the file is cut short"
    assert reason(jpeg[:20]).startswith(("not a picture", "the file is cut short", "damaged"))
    assert "%!PS" not in reason(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_a_damaged_picture_is_a_picture_or_a_reason_and_nothing_else(format_):
    whole = bytearray(saved(noise(60, 40), format_).getvalue())
    rng = np.random.default_rng(0)
    for _ in range(150):
        content = bytearray(whole)
        for place in rng.integers(0, len(content), 5):
            content[place] = rng.integers(0, 256)
        try:
            assert opened(io.BytesIO(content), max_pixels=10_000_000).image.mode == "RGB"
        except PictureError as error:
            assert 0 < len(str(error)) < 200, error  # noqa: PT017


def test_a_bomb_is_refused_before_it_is_decoded():
    file = saved(Image.new("1", (30_000, 30_000)), "PNG")
    with pytest.raises(PictureError, match=r"30000×30000 pixels are over the limit of 250 megapixels"):
        opened(file)


def test_the_limit_can_be_set_and_lifted():
    file = saved(Image.new("1", (1000, 1000)), "PNG")
    with pytest.raises(PictureError, match="limit"):
        opened(file, max_pixels=999_999)
    assert opened(file, max_pixels=1_000_000).width == opened(file, max_pixels=None).width == 1000


def test_a_run_leaves_pillows_settings_as_they_were():
    with reading_pictures():
        assert Image.MAX_IMAGE_PIXELS is None
        warnings.warn_explicit("corrupt", UserWarning, "PIL/x.py", 1, module="PIL.x")
    assert Image.MAX_IMAGE_PIXELS is None  # the fixture's, around this


def test_a_fingerprint_stands_for_the_content():
    first, same, other = (compute_fingerprint(io.BytesIO(content)) for content in (b"a", b"a", b"b"))
    assert first == same != other
    assert len(compute_fingerprint(io.BytesIO(b"x" * 3_000_000))) == 16


def test_a_camera_file_is_told_from_a_tiff_by_its_name(tmp_path):
    pytest.importorskip("rawpy")
    Image.new("RGB", (4, 4)).save(tmp_path / "fake.tif")
    (tmp_path / "fake.tif").rename(tmp_path / "fake.nef")
    with (tmp_path / "fake.nef").open("rb") as file, pytest.raises(PictureError, match="not a raw file"):
        opened(file)
