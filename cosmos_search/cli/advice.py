"""The commands that fix errors: one table from an error's class to the sentence that the command line adds."""

from collections.abc import Callable, Mapping
from typing import Any

from cosmos_search.encoders.devices import DeviceError, FixedPrecisionError, PrecisionError
from cosmos_search.models.errors import (
    DamagedModelError,
    DownloadError,
    HubError,
    ModelExistsError,
    ModelNameError,
    ModelNotInstalledError,
    ModelNotPulledError,
    UnknownModelError,
    UnpublishedModelError,
)
from cosmos_search.network.errors import MissingModelFileError
from indexer.errors import CosmosSearchError, NoIndexError, OtherEncoderError

__all__ = ["ADVICE", "Advice", "add_advice"]

# Keys are error classes; a class without an entry takes that of its nearest base. Values get the error.
Advice = Mapping[type[CosmosSearchError], Callable[[Any], str]]

LIST_MODELS = "List the models: cosmos-search models"

ADVICE: Advice = {
    NoIndexError: lambda error: "Make one: cosmos-search index FOLDER",
    OtherEncoderError: lambda error: (
        "Bring it up to date: cosmos-search index --rebuild"
        if error.made_by == error.wanted
        else f"To change over: cosmos-search index --model {error.wanted} --rebuild"
    ),
    UnknownModelError: lambda error: LIST_MODELS,
    UnpublishedModelError: lambda error: LIST_MODELS,
    ModelNotInstalledError: lambda error: LIST_MODELS,
    ModelNotPulledError: lambda error: f"Get it: cosmos-search models pull {error.name}",
    ModelNameError: lambda error: "For example: --name my-model",
    ModelExistsError: lambda error: f"Choose another --name, or first: cosmos-search models remove {error.name}",
    DamagedModelError: lambda error: f"To get it again, first: cosmos-search models remove {error.name}",
    HubError: lambda error: (
        f"Fetch the file from {error.repository} elsewhere and add it: cosmos-search models add FILE. "
        "The built-in encoder works without network."
    ),
    DownloadError: lambda error: "Run the same command again to resume it.",
    MissingModelFileError: lambda error: "Name a folder that has it: --config-from FOLDER",
    DeviceError: lambda error: "Without it: --device cpu",
    PrecisionError: lambda error: (
        "On a CPU: --precision int8, bf16 or fp32"
        if error.device == "cpu"
        else "Choose --device cpu, or --precision fp16"
    ),
    FixedPrecisionError: lambda error: "Larger models offer a choice; list them: cosmos-search models",
}


def add_advice(error: CosmosSearchError, table: Advice = ADVICE) -> str:
    """The error's sentence, and after it the table's advice, if there is any."""
    advice = next((table[kind](error) for kind in type(error).__mro__ if kind in table), "")
    return f"{error} {advice}".rstrip()
