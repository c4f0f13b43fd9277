"""Tests, in the folders of the packages that they test; shared helpers are in the modules here."""

from pathlib import Path

ROOT = Path(__file__).parent.parent  # of the project
DATA = ROOT / "tests" / "data"
