"""Find pictures by what is in them, and see where.

>>> import cosmos_search
>>> library = cosmos_search.open("my-index")  # doctest: +SKIP
>>> library.add("photos")  # doctest: +SKIP
>>> library.search("a cup of coffee", top=3)  # doctest: +SKIP

Names are loaded on first use, so that importing this package costs next to nothing.

Importing it turns off the telemetry of ONNX Runtime, which is on by default, and of the Hugging Face libraries. They
read these variables when they are imported themselves. A value that the user has given stays as it is.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

for _switch in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY"):
    if not os.environ.get(_switch, "").strip():  # set but empty, it is no choice, and the libraries take it for "no"
        os.environ[_switch] = "1"

if TYPE_CHECKING:
    from cosmos_search.encoders.base import BaseEncoder
    from cosmos_search.encoders.protocol import Encoder
    from cosmos_search.library import Info, Library, open
    from cosmos_search.retrieval.hits import Hit
    from indexer.errors import CosmosSearchError, IndexBusyError, UsageError
    from indexer.ingest.update import Report

__all__ = [
    "BaseEncoder",
    "CosmosSearchError",
    "Encoder",
    "Hit",
    "IndexBusyError",
    "Info",
    "Library",
    "Report",
    "UsageError",
    "open",
]

_HOMES = {
    "BaseEncoder": "cosmos_search.encoders.base",
    "CosmosSearchError": "indexer.errors",
    "Encoder": "cosmos_search.encoders.protocol",
    "Hit": "cosmos_search.retrieval.hits",
    "IndexBusyError": "indexer.errors",
    "Info": "cosmos_search.library",
    "Library": "cosmos_search.library",
    "Report": "indexer.ingest.update",
    "UsageError": "indexer.errors",
    "open": "cosmos_search.library",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
