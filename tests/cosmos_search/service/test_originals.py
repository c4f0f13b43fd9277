import shutil

import pytest
from PIL import Image

from cosmos_search.service.originals import is_available, open_original, read_upright
from indexer.errors import PictureError
from tests.colour import paint, record
from tests.rights import needs_refusals


def test_an_indexed_picture_is_opened(picture):
    with open_original(picture) as file:
        assert Image.open(file).size == (40, 20)
    assert read_upright(picture, 10).size == (10, 5)


def test_a_copy_stands_in_for_a_file_that_is_gone(picture, tmp_path):
    shutil.copy(picture.paths[0], tmp_path / "copy.png")
    both = record(picture.paths[0], tmp_path / "copy.png")
    picture.paths[0].unlink()
    assert read_upright(both, 40).size == (40, 20)


@needs_refusals
def test_a_copy_is_read_instead_of_a_file_without_permission(picture, tmp_path):
    shutil.copy(picture.paths[0], tmp_path / "copy.png")
    both = record(picture.paths[0], tmp_path / "copy.png")
    picture.paths[0].chmod(0)
    assert read_upright(both, 40).size == (40, 20)


def test_a_file_that_became_a_link_elsewhere_is_not_followed_into_other_content(picture, tmp_path):
    secret = paint(tmp_path / "private" / "secret.png", "blue", (40, 20))
    picture.paths[0].unlink()
    picture.paths[0].symlink_to(secret)
    with pytest.raises(PictureError, match="changed"), open_original(picture):
        pass


def test_a_path_that_cannot_even_be_looked_at_is_not_there(tmp_path):
    assert not is_available(tmp_path / ("x" * 300))
    assert not is_available(tmp_path)
    assert not is_available(tmp_path / "gone")


def test_changed_and_missing_files_are_not_shown(picture):
    paint(picture.paths[0], "green", (40, 20))
    with pytest.raises(PictureError, match="deleted or changed"):
        read_upright(picture, 40)
    picture.paths[0].unlink()
    with pytest.raises(PictureError, match="deleted or changed"):
        read_upright(picture, 40)
