"""Fixtures of the tests that use the page in a browser."""

import pytest

from tests.browser import chromium
from tests.demo import make_home


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A Chromium with a new profile."""
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home directory with the built-in models and nothing else."""
    return make_home(tmp_path_factory.mktemp("home"))
