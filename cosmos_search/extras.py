"""The optional parts of the installation (the extras in setup.py), and the error if one is missing."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from indexer.errors import CosmosSearchError

__all__ = ["IN_CLONE", "Extra", "MissingExtraError", "install_command", "require_extra"]

Extra = Literal["cluster", "formats", "mcp", "models", "places", "preview", "server", "text", "train", "ui", "watch"]
IN_CLONE = "in the folder of the clone"  # where pip finds constraints.txt and the package, which is on no index
NAMES = {
    "ray": "Ray",
    "fastapi": "FastAPI",
    "mcp": "the MCP SDK",
    "torch": "PyTorch",
    "transformers": "Transformers",
    "streamlit": "Streamlit",
    "rapidocr": "RapidOCR",
}


@dataclass(eq=False)
class MissingExtraError(CosmosSearchError):
    """Something needs packages of an extra that are not installed."""

    purpose: str  # the subject of the sentence, such as "The page"
    packages: list[str]  # by their usual names
    extra: Extra

    def __str__(self) -> str:
        return f"{self.purpose} needs {' and '.join(self.packages)}; {IN_CLONE}: {install_command(self.extra)}"


def install_command(extra: Extra) -> str:
    """The command that installs an extra, in a checkout of the project."""
    return f"pip install -c constraints.txt '.[{extra}]'"


def require_extra(purpose: str, extra: Extra, *modules: str) -> None:
    """Raise MissingExtraError unless all modules are installed; none is imported.

    purpose: see MissingExtraError.
    """
    missing = [NAMES.get(module, module) for module in modules if find_spec(module) is None]
    if missing:
        raise MissingExtraError(purpose, missing, extra)
