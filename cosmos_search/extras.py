"""The optional parts of the installation (the extras in setup.py), and the error where one is missing."""

from importlib.util import find_spec
from typing import Literal

from indexer.errors import CosmosSearchError

__all__ = ["Extra", "MissingExtraError", "install_command", "require_extra"]

Extra = Literal["formats", "models", "train", "ui"]
NAMES = {"torch": "PyTorch", "transformers": "Transformers", "streamlit": "Streamlit", "sklearn": "scikit-learn"}


class MissingExtraError(CosmosSearchError):
    """What was asked for needs packages of an extra that are not installed."""

    def __init__(self, purpose: str, packages: list[str], extra: Extra) -> None:
        """purpose: the subject of the message, such as "The page"; packages: by their usual names."""
        super().__init__(f"{purpose} needs {' and '.join(packages)}: {install_command(extra)}")
        self.purpose = purpose
        self.packages = packages
        self.extra = extra


def install_command(extra: Extra) -> str:
    """For a checkout: the project is in no package index."""
    return f"pip install -c constraints.txt '.[{extra}]'"


def require_extra(purpose: str, extra: Extra, *modules: str) -> None:
    """Raises MissingExtraError if one of the modules can't be found; none is imported."""
    missing = [NAMES.get(module, module) for module in modules if find_spec(module) is None]
    if missing:
        raise MissingExtraError(purpose, missing, extra)
