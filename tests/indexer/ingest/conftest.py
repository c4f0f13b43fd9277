"""The library that most tests of indexing fill."""

import pytest

import cosmos_search
from tests.colour import ColourEncoder


@pytest.fixture
def library(tmp_path):
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        yield library
