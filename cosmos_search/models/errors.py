"""The errors of installing, naming and loading models."""

from dataclasses import dataclass

from indexer.errors import CosmosSearchError, UsageError

__all__ = [
    "DamagedModelError",
    "DownloadError",
    "HubError",
    "ModelExistsError",
    "ModelNameError",
    "ModelNotInstalledError",
    "ModelNotPulledError",
    "UnknownModelError",
    "UnpublishedModelError",
]


@dataclass(eq=False)
class UnknownModelError(UsageError):
    """No model is installed or published under this name."""

    name: str

    def __str__(self) -> str:
        return f"There is no model named {self.name!r}."


@dataclass(eq=False)
class UnpublishedModelError(UsageError):
    """A model that cannot be downloaded, because none is published under this name."""

    name: str

    def __str__(self) -> str:
        return f"No model named {self.name!r} is published."


@dataclass(eq=False)
class ModelNotPulledError(UsageError):
    """A published model that has to be downloaded before it can be used."""

    name: str

    def __str__(self) -> str:
        return f"The model {self.name} is not installed."


@dataclass(eq=False)
class ModelNotInstalledError(CosmosSearchError):
    """A model that cannot be removed, because it is not installed."""

    name: str

    def __str__(self) -> str:
        return f"The model {self.name!r} is not installed."


@dataclass(eq=False)
class ModelNameError(UsageError):
    """A name that a model cannot have."""

    name: str

    def __str__(self) -> str:
        return f"{self.name!r} is not a valid model name; use letters, digits, dots and dashes."


@dataclass(eq=False)
class ModelExistsError(CosmosSearchError):
    """The name of a model is taken."""

    name: str
    is_built_in: bool = False

    def __str__(self) -> str:
        return f"There is a model {self.name} already."


@dataclass(eq=False)
class DamagedModelError(CosmosSearchError):
    """A file of an installed model differs from the one that was installed, or is missing."""

    name: str
    file: str

    def __str__(self) -> str:
        return f"The model {self.name} is damaged: its {self.file} differs from the installed one."


@dataclass(eq=False)
class HubError(CosmosSearchError):
    """The hub cannot be reached, or does not have the file."""

    file: str
    repository: str
    reason: str

    def __str__(self) -> str:
        return f"The hub can't be reached, or has no {self.file} ({self.reason})."


@dataclass(eq=False)
class DownloadError(CosmosSearchError):
    """A download was interrupted; the part that has arrived is kept."""

    file: str
    reason: str

    def __str__(self) -> str:
        return f"The download of {self.file} was interrupted ({self.reason}). The part that has arrived is kept."
