"""Files of Debian packages: downloaded once with apt-get and unpacked into the user's cache, but not installed."""

import subprocess
from pathlib import Path

import platformdirs

__all__ = ["unpack_package"]


def unpack_package(package: str) -> Path:
    """The folder with a package's files; downloads the package if it is not in the cache."""
    folder = platformdirs.user_cache_path("cosmos-search") / "benchmarks" / package
    if not (folder / "usr").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        archive = next(folder.glob("*.deb"))
        subprocess.run(["dpkg", "-x", str(archive), str(folder)], check=True)
        archive.unlink()
    return folder
