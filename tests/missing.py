"""A process in which some of the installed packages cannot be imported."""

import os
import subprocess
import sys

from tests import ROOT

TORCH = ("torch", "transformers", "torchvision", "sentence_transformers", "efficientnet_lite_pytorch", "tensorboard")
ALL = (*TORCH, "streamlit", "sklearn", "scipy", "pandas", "matplotlib", "skimage", "pillow_heif", "rawpy")


def run_without(modules, tmp_path, *words, code="from cosmos_search.cli.main import main; main()"):
    """Run a command line in a process where these modules cannot be imported."""
    blocked = f"import sys; sys.modules.update(dict.fromkeys({modules})); {code}"
    places = {"COSMOS_SEARCH_MODELS": str(tmp_path / "models"), "COSMOS_SEARCH_INDEX": str(tmp_path / "index")}
    command = [sys.executable, "-W", "error", "-c", blocked, *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=100, cwd=ROOT, env={**os.environ, **places}, check=False
    )
