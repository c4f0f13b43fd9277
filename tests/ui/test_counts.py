import pytest

from ui.counts import format_count


@pytest.mark.parametrize(("n", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (1204, "1,204 files")])
def test_a_noun_agrees_with_its_number(n, text):
    assert format_count(n, "file") == text
