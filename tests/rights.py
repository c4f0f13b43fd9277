"""Whether the user who runs the tests can be refused anything: root with all its capabilities can't."""

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
