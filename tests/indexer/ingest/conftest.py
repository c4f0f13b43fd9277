"""The libraries that tests of indexing fill."""

import pytest

import cosmos_search
from tests.colour import ColourEncoder


@pytest.fixture
def library_on_both(place):
    """One in a directory, and one on a server."""
    with cosmos_search.open(place, encoder=ColourEncoder()) as library:
        yield library


@pytest.fixture
def library(tmp_path):
    with cosmos_search.open(tmp_path / "index", encoder=ColourEncoder()) as library:
        yield library
