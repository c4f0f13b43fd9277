"""The data and the tokenizer of the micro network."""

import pytest

from tests.pictures import letters, make_shards


@pytest.fixture
def data(tmp_path):
    return make_shards(tmp_path / "data")


@pytest.fixture
def tokenizer(tmp_path):
    return letters(tmp_path / "letters")
