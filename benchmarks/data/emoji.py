"""Google's Noto emoji as drawings with names: npm's emoji-datasource-google, fetched once into the user's cache.

The pictures are under the Apache License 2.0, says the package; the names are Unicode's. Nothing of it is stored here.
"""

import json
import subprocess
import tarfile
from functools import cache
from pathlib import Path

import platformdirs
from PIL import Image

__all__ = ["NAMES", "drawing"]

PACKAGE, VERSION = "emoji-datasource-google", "16.0.0"

# Things with an outline of their own and a name of one word; few, so that a small encoder learns them in minutes.
NAMES = tuple("banana cactus crab guitar key rocket car umbrella mushroom butterfly crown penguin".split())


@cache
def drawing(name: str) -> Image.Image:
    """The drawing of one of NAMES without its margin, RGBA, at most 64 pixels a side."""
    picture = Image.open(_unpacked() / "img/google/64" / _files()[name]).convert("RGBA")
    return picture.crop(picture.getchannel("A").getbbox())


@cache
def _files() -> dict[str, str]:
    entries = json.loads((_unpacked() / "emoji.json").read_text(encoding="utf-8"))
    return {name: entry["image"] for entry in entries for name in entry["short_names"]}


@cache
def _unpacked() -> Path:
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
