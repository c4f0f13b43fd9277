import io
import os
import stat
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from cosmos_search.service.thumbnails import Thumbnails
from indexer.pictures.images import reading_pictures
from tests.colour import paint, record

ROOMY = 10_000_000


def decoded(data):
    return Image.open(io.BytesIO(data))


def thumbnails(folder, limit_bytes=ROOMY):
    return Thumbnails(folder / "thumbnails", limit_bytes)


def kept(made):
    return sorted(path.name for path in made.folder.iterdir())


def test_a_thumbnail_is_a_small_jpeg_of_the_same_shape(tmp_path):
    data = thumbnails(tmp_path).get(record(paint(tmp_path / "wide.jpg", "red", (1200, 600))), side=320)
    assert (decoded(data).format, decoded(data).size) == ("JPEG", (320, 160))
    assert np.abs(np.asarray(decoded(data)).astype(int) - [255, 0, 0]).max() < 8


def test_a_small_picture_is_not_blown_up(tmp_path):
    data = thumbnails(tmp_path).get(record(paint(tmp_path / "small.png", "red", (40, 30))))
    assert decoded(data).size == (40, 30)


def test_a_picture_lying_on_its_side_stands_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (400, 200), "red").save(tmp_path / "lying.jpg", exif=exif)
    data = thumbnails(tmp_path).get(record(tmp_path / "lying.jpg"), side=100)
    assert decoded(data).size == (50, 100)
    assert 0x0112 not in decoded(data).getexif()


def test_a_second_time_it_comes_from_the_disk(tmp_path):
    made, picture = thumbnails(tmp_path), record(paint(tmp_path / "a.png", "red"))
    first = made.get(picture)
    picture.paths[0].write_bytes(b"no picture any more")
    assert made.get(picture) == first
    assert kept(made) == [f"{picture.fingerprint}-320.jpg"]


def test_a_file_that_is_empty_after_a_power_failure_is_made_again(tmp_path):
    made, picture = thumbnails(tmp_path), record(paint(tmp_path / "a.png", "red"))
    first = made.get(picture)
    (made.folder / f"{picture.fingerprint}-320.jpg").write_bytes(b"")
    assert made.get(picture) == first


def test_other_users_cannot_read_thumbnails(tmp_path):
    made = thumbnails(tmp_path)
    made.get(record(paint(tmp_path / "a.png", "red")))
    assert [stat.S_IMODE(path.stat().st_mode) for path in made.folder.iterdir()] == [0o600]


def test_each_size_is_kept_for_itself(tmp_path):
    made, picture = thumbnails(tmp_path), record(paint(tmp_path / "a.png", "red", (800, 800)))
    assert decoded(made.get(picture, side=64)).size == (64, 64)
    assert decoded(made.get(picture, side=128)).size == (128, 128)


def test_a_picture_that_is_gone_has_no_thumbnail_even_if_one_was_kept(tmp_path):
    made, picture = thumbnails(tmp_path), record(paint(tmp_path / "a.png", "red"))
    assert made.get(picture) is not None
    picture.paths[0].unlink()
    assert made.get(picture) is None


@pytest.mark.parametrize("content", [b"", b"text", b"\xff\xd8\xff\xe0 broken"])
def test_a_broken_file_has_no_thumbnail_and_leaves_none(tmp_path, content):
    made = thumbnails(tmp_path)
    (tmp_path / "broken.jpg").write_bytes(content)
    assert made.get(record(tmp_path / "broken.jpg")) is None
    assert not made.folder.exists()


def test_the_oldest_used_make_room(tmp_path):
    pictures = [record(paint(tmp_path / f"{i}.png", "red", (64, 64), seed=i)) for i in range(5)]
    made = thumbnails(tmp_path)
    size = max(len(made.get(picture)) for picture in pictures[:4])
    for i, picture in enumerate(pictures[:4]):
        os.utime(made.folder / f"{picture.fingerprint}-320.jpg", ns=(i, i))
    made = Thumbnails(made.folder, limit_bytes=4 * size)
    made.get(pictures[1])
    made.get(pictures[4])
    names = {i: f"{picture.fingerprint}-320.jpg" for i, picture in enumerate(pictures)}
    assert {names[1], names[4]} <= set(kept(made))
    assert names[0] not in kept(made)
    assert sum(p.stat().st_size for p in made.folder.iterdir()) <= 4 * size


def test_a_place_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    (tmp_path / "thumbnails").write_text("a file, not a folder")
    assert thumbnails(tmp_path).get(record(paint(tmp_path / "a.png", "red"))) is not None


def test_many_threads_see_only_whole_thumbnails(tmp_path):
    pictures = [record(paint(tmp_path / f"{i}.png", "red", (200, 200), seed=i)) for i in range(4)]
    made = thumbnails(tmp_path, limit_bytes=30_000)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: (i % 4, made.get(pictures[i % 4])), range(200)))
    assert all(decoded(data).size == (200, 200) for _, data in found)
    assert len(set(found)) == 4
    assert not [name for name in kept(made) if name.startswith(".")]


def test_pillows_own_limit_comes_back_when_the_last_reader_leaves_and_not_before():
    before = Image.MAX_IMAGE_PIXELS
    first, second = reading_pictures(), reading_pictures()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert Image.MAX_IMAGE_PIXELS is None
    second.__exit__(None, None, None)
    assert before == Image.MAX_IMAGE_PIXELS is not None
