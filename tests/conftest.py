"""Torch on one thread in every test: importing FAISS sets its number anew, and bits depend on it."""

import sys

import pytest


@pytest.fixture(autouse=True)
def _one_thread():
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)
