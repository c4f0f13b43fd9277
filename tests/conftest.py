"""Fixtures of all tests."""

import sys

import pytest

from tests.colour import paint, record


@pytest.fixture(autouse=True)
def _one_thread():
    """Run torch on one thread in every test: importing FAISS changes that, and results depend on it."""
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)


@pytest.fixture
def thumbnails(tmp_path):
    from ui.files.thumbnails import Thumbnails

    return Thumbnails(tmp_path / "thumbnails", 1_000_000)


@pytest.fixture
def picture(tmp_path):
    """The record of a red picture."""
    return record(paint(tmp_path / "red.png", "red", (40, 20)))
