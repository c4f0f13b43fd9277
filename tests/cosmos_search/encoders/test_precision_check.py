"""When int8 may be used in place of fp32."""

import json

import pytest

from cosmos_search.encoders.precision_check import PrecisionCheck


@pytest.mark.parametrize(
    ("centred_cosine", "top1_agreement", "is_accurate"),
    [
        (1.0, 1.0, True),
        (0.99, 0.9, True),
        (0.9899, 1.0, False),
        (1.0, 0.8999, False),
        (0.8, 0.5, False),
    ],
)
def test_int8_is_accurate_with_a_cosine_of_99_percent_and_nine_of_ten_first_views(
    centred_cosine, top1_agreement, is_accurate
):
    assert PrecisionCheck("int8", centred_cosine, top1_agreement).is_accurate == is_accurate


def test_a_check_is_read_as_it_was_written(tmp_path):
    check = PrecisionCheck("int8", 0.99876, 0.95)
    check.save(tmp_path)
    assert PrecisionCheck.load(tmp_path) == check


@pytest.mark.parametrize("agreement", ["top1_agreement", "same_first"])
def test_files_of_this_and_of_earlier_versions_are_read(tmp_path, agreement):
    content = {"precision": "int8", "centred_cosine": 0.998, agreement: 0.95}
    (tmp_path / "choice.json").write_text(json.dumps(content))
    assert PrecisionCheck.load(tmp_path) == PrecisionCheck("int8", 0.998, 0.95)
