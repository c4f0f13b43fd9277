"""Skips tests of missing permissions where the user may read every file, as root may."""

import os
import tempfile
from pathlib import Path

import pytest


def _reads_everything() -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        secret = Path(scratch, "secret")
        secret.touch(mode=0)
        return os.access(secret, os.R_OK)


needs_refusals = pytest.mark.skipif(_reads_everything(), reason="this user may read everything")
