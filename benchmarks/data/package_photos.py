"""The photos in the package cosmos_search, and their captions."""

import json
from importlib.resources import files
from pathlib import Path

__all__ = ["list_photos", "load_captions"]


def list_photos() -> list[Path]:
    """Eleven JPEGs, in the order of their names."""
    return sorted(_folder().glob("*.jpg"))


def load_captions() -> list[str]:
    """The captions of the photos."""
    return list(json.loads((_folder() / "captions.json").read_text(encoding="utf-8")).values())


def _folder() -> Path:
    return Path(str(files("cosmos_search") / "data/photos"))
