"""Google's Noto emoji, drawings with names: npm's emoji-datasource-google, downloaded once into the user's cache.

According to the package, the pictures are under the Apache License 2.0; the names are Unicode's. The repository
contains none of them.
"""

import json
import subprocess
import tarfile
from functools import cache
from pathlib import Path

import platformdirs
from PIL import Image

__all__ = ["NAMES", "load_drawing"]

PACKAGE, VERSION = "emoji-datasource-google", "16.0.0"

# Objects with distinct outlines and one-word names; few, so that a small encoder learns them in minutes.
NAMES = tuple("banana cactus crab guitar key rocket car umbrella mushroom butterfly crown penguin".split())


@cache
def load_drawing(name: str) -> Image.Image:
    """The drawing of one of NAMES, cropped to its content: RGBA, at most 64 pixels a side."""
    picture = Image.open(_unpack_package() / "img/google/64" / _list_files()[name]).convert("RGBA")
    return picture.crop(picture.getchannel("A").getbbox())


@cache
def _list_files() -> dict[str, str]:
    """The file name of each emoji by its short name."""
    entries = json.loads((_unpack_package() / "emoji.json").read_text(encoding="utf-8"))
    return {name: entry["image"] for entry in entries for name in entry["short_names"]}


@cache
def _unpack_package() -> Path:
    """The folder with the package's files; downloads the package if it is not in the cache."""
    folder = platformdirs.user_cache_path("cosmos-search") / "benchmarks" / PACKAGE
    if not (folder / "package" / "emoji.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", f"{PACKAGE}@{VERSION}"], cwd=folder, check=True, capture_output=True)
        archive = next(folder.glob("*.tgz"))
        with tarfile.open(archive) as tar:
            wanted = [m for m in tar if m.name == "package/emoji.json" or m.name.startswith("package/img/google/64/")]
            tar.extractall(folder, sorted(wanted, key=lambda m: m.name.endswith("emoji.json")), filter="data")
        archive.unlink()
    return folder / "package"
