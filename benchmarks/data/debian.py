"""Files out of Debian packages: downloaded once with apt-get, unpacked into the user's cache, never installed."""

import subprocess
from pathlib import Path

import platformdirs

__all__ = ["unpacked"]


def unpacked(package: str) -> Path:
    """The folder with a package's files."""
    folder = platformdirs.user_cache_path("cosmos-search") / "benchmarks" / package
    if not (folder / "usr").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        archive = next(folder.glob("*.deb"))
        subprocess.run(["dpkg", "-x", str(archive), str(folder)], check=True)
        archive.unlink()
    return folder
