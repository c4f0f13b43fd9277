from datetime import datetime

from indexer.store.shapes import PictureShape
from ui.components.outline import MAX_RATIO, MIN_RATIO, make_outline


def test_months_are_runs_and_shapes_are_limited():
    june, may = datetime(2024, 6, 3), datetime(2024, 5, 1)
    shapes = [PictureShape(i, 300, 200, at) for i, at in enumerate((june, june, may, None))]
    outline = make_outline(shapes, by_date=True)
    assert (outline.ids, outline.ratios) == ([0, 1, 2, 3], [1.5] * 4)
    assert outline.months == [("2024-06", 2), ("2024-05", 1), ("", 1)]
    assert make_outline(shapes, by_date=False).months == []
    long = [PictureShape(1, 10_000, 1, None), PictureShape(2, 1, 10_000, None)]
    assert make_outline(long, by_date=False).ratios == [MAX_RATIO, MIN_RATIO]
