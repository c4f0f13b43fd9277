import json

import pytest

from cosmos_search.encoders.precision_check import PrecisionCheck


@pytest.mark.parametrize("agreement", ["top1_agreement", "same_first"])
def test_files_of_this_and_of_earlier_versions_are_read(tmp_path, agreement):
    content = {"precision": "int8", "centred_cosine": 0.998, agreement: 0.95}
    (tmp_path / "choice.json").write_text(json.dumps(content))
    assert PrecisionCheck.load(tmp_path) == PrecisionCheck("int8", 0.998, 0.95)


def test_what_is_written_is_read_again(tmp_path):
    check = PrecisionCheck("fp32", 0.8, 0.5)
    check.save(tmp_path)
    assert PrecisionCheck.load(tmp_path) == check
    assert not check.is_near
