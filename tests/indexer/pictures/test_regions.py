import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.pictures.regions import REGIONS, WHOLE, Box, pyramid

SIDES = st.integers(1, 20_000)


@given(SIDES, SIDES, st.sampled_from(REGIONS))
def test_regions_lie_in_the_picture_and_cover_it(width, height, kind):
    boxes = pyramid(kind, width, height)
    assert all(0 <= b.left < b.right <= 1.0001 and 0 <= b.top < b.bottom <= 1.0001 for b in boxes)
    assert len(boxes) <= 60
    if boxes:
        assert min(b.left for b in boxes) == min(b.top for b in boxes) == 0
        assert max(b.right for b in boxes) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("kind", "n"), [("none", 0), ("fast", 14), ("fine", 34)])
def test_a_usual_picture_has_the_stated_number(kind, n):
    assert len(pyramid(kind, 1000, 1000)) == n
    assert abs(len(pyramid(kind, 4000, 3000)) - n) <= 1


def test_a_panorama_has_more_columns_than_rows():
    boxes = pyramid("fast", 4000, 1000)
    assert len({b.left for b in boxes}) > len({b.top for b in boxes})
    shapes = [4 * (b.right - b.left) / (b.bottom - b.top) for b in boxes[:-1]]
    assert all(0.4 < shape < 2.5 for shape in shapes)


def test_regions_are_in_rows_from_the_top_left_each_level_after_the_other():
    """The vectors in an index are in this order, so it must never change."""
    fast = [(box.left, box.top, box.right, box.bottom) for box in pyramid("fast", 1000, 1000)]
    assert fast[:4] == [(0, 0, 0.7, 0.7), (0.3, 0, 1, 0.7), (0, 0.3, 0.7, 1), (0.3, 0.3, 1, 1)]
    corners = (0, 0.2667, 0.5333)
    assert [box[:2] for box in fast[4:13]] == [(left, top) for top in corners for left in corners]
    assert fast[13:] == [(0.25, 0.25, 0.75, 0.75)]


def test_boxes_know_what_they_share():
    left, top = Box(0.0, 0.0, 0.5, 1.0), Box(0.0, 0.0, 1.0, 0.5)
    assert left.area == 0.5
    assert left.common(top) == 0.25
    assert left.inside(top) == 0.5
    assert left.iou(top) == pytest.approx(1 / 3)
    assert left.inside(WHOLE) == 1
    assert Box(0.6, 0.0, 1.0, 1.0).common(left) == 0


@given(SIDES, SIDES)
def test_a_box_has_at_least_one_pixel(width, height):
    left, top, right, bottom = Box(0.999, 0.999, 1.0, 1.0).pixels(width, height)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
